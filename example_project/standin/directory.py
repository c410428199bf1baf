"""Metabase's accounts, which can be found by address and by id, and listed in pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from example_project.standin.reports import SignIn

ALL_USERS = "All Users"
ALL_TENANT_USERS = "All tenant users"
ADMINISTRATORS = "Administrators"
CUSTOMERS = "Customers"
TENANT_GROUPS = frozenset({ALL_TENANT_USERS, CUSTOMERS})  # only tenant users may be in these


@dataclass(slots=True)
class Account:
    """An account in Metabase.

    `sso_source` is None if it signs in with a password. `jwt_attributes` are those of the last
    token, and `typed` those that an administrator has set.
    """

    id: int
    email: str
    first_name: str | None = None
    last_name: str | None = None
    sso_source: str | None = None
    is_active: bool = True
    groups: set[str] = field(default_factory=lambda: {ALL_USERS})
    jwt_attributes: dict[str, str] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    tenant: str | None = None
    went_with_tenant: bool = False  # deactivated together with its tenant
    last_sign_in: SignIn | None = None

    @property
    def common_name(self) -> str:
        return " ".join(filter(None, [self.first_name, self.last_name])) or self.email

    @property
    def is_superuser(self) -> bool:
        return ADMINISTRATORS in self.groups

    def has(self, text: str) -> bool:
        """Return whether the address or a name contains this lower-case string."""
        return any(
            text in (part or "").lower() for part in (self.email, self.first_name, self.last_name)
        )


@dataclass
class Directory:
    """All accounts. Call `changed` after changing one, because `search` keeps its result."""

    _by_email: dict[str, Account] = field(default_factory=dict)
    _by_id: dict[int, Account] = field(default_factory=dict, repr=False)
    _ordered: list[Account] = field(default_factory=list, repr=False)
    _found: tuple[tuple[str, str, str], list[Account]] | None = field(default=None, repr=False)

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_email.values())

    def __len__(self) -> int:
        return len(self._by_email)

    def get(self, email: str) -> Account | None:
        """Return the account with this lower-case address."""
        return self._by_email.get(email)

    def by_id(self, number: int) -> Account | None:
        return self._by_id.get(number)

    @property
    def next_id(self) -> int:
        return len(self._by_email) + 1

    def add(self, account: Account) -> None:
        self._by_email[account.email] = account
        self._by_id[account.id] = account
        self.changed()

    def changed(self) -> None:
        """Discard the result of the last search."""
        self._ordered, self._found = [], None

    def search(self, query: str, status: str, tenancy: str) -> list[Account]:
        """Return the accounts that match, sorted by name. The last result is kept.

        `status` is `active`, `deactivated` or `all`; `tenancy` is `internal`, `external` or `all`.
        """
        wanted = (query.lower(), status, tenancy)
        if self._found is None or self._found[0] != wanted:
            if not self._ordered:
                self._ordered = sorted(self, key=_by_name)
            self._found = wanted, [found for found in self._ordered if _fits(found, *wanted)]
        return self._found[1]


def _by_name(account: Account) -> tuple[str, str, int]:
    return (account.last_name or "").lower(), (account.first_name or "").lower(), account.id


def _fits(account: Account, query: str, status: str, tenancy: str) -> bool:
    is_external = account.tenant is not None
    return (
        (status == "all" or account.is_active == (status == "active"))
        and (tenancy == "all" or is_external == (tenancy == "external"))
        and account.has(query)
    )
