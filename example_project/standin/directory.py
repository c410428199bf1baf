"""Metabase's accounts: found by address and by id, and listed in pages, however many they are."""

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
    """A Metabase account; `sso_source` is None for one that signs in with a password.

    `jwt_attributes` are of the last token, `typed` those that an administrator typed in.
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
    went_with_tenant: bool = False  # deactivated because its tenant was
    last_sign_in: SignIn | None = None

    @property
    def common_name(self) -> str:
        return " ".join(filter(None, [self.first_name, self.last_name])) or self.email

    @property
    def is_superuser(self) -> bool:
        return ADMINISTRATORS in self.groups

    def has(self, text: str) -> bool:
        """Whether the address or a name contains the text, which is in lower case."""
        return any(
            text in (part or "").lower() for part in (self.email, self.first_name, self.last_name)
        )


@dataclass
class Directory:
    """All accounts. Call `changed` after changing one that `search` may have listed before."""

    _by_email: dict[str, Account] = field(default_factory=dict)
    _by_id: dict[int, Account] = field(default_factory=dict, repr=False)
    _ordered: list[Account] = field(default_factory=list, repr=False)
    _found: tuple[tuple[str, str, str], list[Account]] | None = field(default=None, repr=False)

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_email.values())

    def __len__(self) -> int:
        return len(self._by_email)

    def get(self, email: str) -> Account | None:
        """Return the account of an address in lower case."""
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
        """Forget what was listed: names, activity or tenants are others now."""
        self._ordered, self._found = [], None

    def search(self, query: str, status: str, tenancy: str) -> list[Account]:
        """Return the accounts of a search, in the order of names; the last search is remembered.

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
