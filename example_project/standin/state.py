"""What the stand-in knows, in the memory of its one process."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from django.http import HttpRequest, HttpResponse
from django.utils.http import http_date

from example_project.standin.configuration import Configuration

How = Literal["GET", "POST", "to_session", "navigation"]

ALL_USERS = "All Users"
ADMINISTRATORS = "Administrators"
GROUPS = (ALL_USERS, ADMINISTRATORS, "Data Analysts", "Analysts", "Sales", "Support")
ADMIN_EMAIL = "admin@metabase.example"


@dataclass(frozen=True)
class Dropped:
    """A claim, or a part of one, that Metabase takes no notice of."""

    claim: str
    reason: str


@dataclass
class SignIn:
    """What one token did."""

    email: str
    how: How
    events: list[str] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


@dataclass
class Account:
    """A Metabase account; `sso_source` is None for one that signs in with a password."""

    id: int
    email: str
    first_name: str | None = None
    last_name: str | None = None
    sso_source: str | None = None
    is_active: bool = True
    groups: set[str] = field(default_factory=lambda: {ALL_USERS})
    attributes: dict[str, str] = field(default_factory=dict)
    tenant: str | None = None
    last_sign_in: SignIn | None = None

    @property
    def common_name(self) -> str:
        return " ".join(filter(None, [self.first_name, self.last_name])) or self.email

    @property
    def is_superuser(self) -> bool:
        return ADMINISTRATORS in self.groups


@dataclass
class Tenant:
    """A tenant; its slug never changes."""

    slug: str
    is_active: bool = True
    attributes: dict[str, str] = field(default_factory=dict)


def _first_accounts() -> dict[str, Account]:
    groups = {ALL_USERS, ADMINISTRATORS}
    admin = Account(1, ADMIN_EMAIL, "Admin", "Istrator", groups=groups)
    return {admin.email: admin}


def _first_tenants() -> dict[str, Tenant]:
    return {slug: Tenant(slug) for slug in ("acme", "globex")}


@dataclass
class Instance:
    """One Metabase."""

    configuration: Configuration = field(default_factory=Configuration)
    groups: set[str] = field(default_factory=lambda: set(GROUPS))
    accounts: dict[str, Account] = field(default_factory=_first_accounts)  # by e-mail
    tenants: dict[str, Tenant] = field(default_factory=_first_tenants)
    sessions: dict[str, str] = field(default_factory=dict)  # to the account's e-mail
    sign_ins: deque[SignIn] = field(default_factory=lambda: deque(maxlen=1000))
    refusals: deque[str] = field(default_factory=lambda: deque(maxlen=1000))

    def reset(self) -> None:
        """Forget everything, and be as new."""
        vars(self).update(vars(Instance()))

    def start_session(self, account: Account) -> str:
        """Return the id of a new session, which nothing ends but a sign-out."""
        session = str(uuid.uuid4())
        self.sessions[session] = account.email
        return session

    def now(self) -> int:
        """Return what its clock says, in seconds since 1970."""
        return int(time.time()) + self.configuration.clock_skew

    def account_of(self, session: str | None) -> Account | None:
        """Return whose session this is; None when there is none, or the account is inactive."""
        account = self.accounts.get(self.sessions.get(session or "", ""))
        return account if account and account.is_active else None

    def attributes_of(self, account: Account) -> dict[str, str]:
        """Return the attributes that row-level security sees: the person's own ones win."""
        tenant = self.tenants.get(account.tenant or "")
        inherited = tenant.attributes if tenant else {}
        return {**inherited, **account.attributes}


instance = Instance()
_lock = threading.Lock()


class OneRequestAtATime:
    """Middleware: runserver has a thread for each request, and they share the instance."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with _lock:
            response = self.get_response(request)
            response["Date"] = http_date(instance.now())
            return response
