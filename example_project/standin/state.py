"""The state of the stand-in, in the memory of its only process."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.http import http_date

from example_project.standin.configuration import BadConfiguration, Configuration
from example_project.standin.directory import (
    ADMINISTRATORS,
    ALL_TENANT_USERS,
    ALL_USERS,
    CUSTOMERS,
    Account,
    Directory,
)
from example_project.standin.reports import How, SignIn
from example_project.standin.versions import NEWEST, Version

DATA_ANALYSTS = "Data Analysts"
GROUPS = (
    ALL_USERS,
    ADMINISTRATORS,
    ALL_TENANT_USERS,
    DATA_ANALYSTS,
    "Analysts",
    "Sales",
    "Support",
    CUSTOMERS,
)
ADMIN_EMAIL = "admin@metabase.example"
FIRST_ID_OF_A_KEY = (
    9_000_001  # Metabase stores keys as accounts; here they are not in the directory
)
MAX_SESSION_AGE = 20_160  # minutes


@dataclass(slots=True)
class Tenant:
    """A tenant. Its slug never changes."""

    id: int
    slug: str
    name: str
    is_active: bool = True
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Session:
    """A session of an account."""

    number: int
    account: Account
    started: int  # by the instance's clock
    how: How | None  # None: not with a token


def _first_accounts() -> Directory:
    found = Directory()
    admin = Account(1, ADMIN_EMAIL, "Admin", "Istrator", groups={ALL_USERS, ADMINISTRATORS})
    found.add(admin)
    return found


def _first_tenants() -> dict[str, Tenant]:
    names = ("acme", "globex")
    return {slug: Tenant(i, slug, slug.title()) for i, slug in enumerate(names, start=1)}


def _configuration() -> Configuration:
    """Return the settings with which this process was started, from Django's settings."""
    return Configuration(
        Version(getattr(settings, "STANDIN_VERSION", NEWEST)),
        getattr(settings, "STANDIN_SETTINGS", {}),
        getattr(settings, "STANDIN_ENVIRONMENT", {}),
    )


def _keys() -> dict[str, Account]:
    """Return an account for each API key, in the group of the key."""
    known: Mapping[str, str] = getattr(settings, "STANDIN_API_KEYS", {})
    return {
        key: Account(
            number, f"api-key-user-{number}@api-key.invalid", "Key", group, groups={group}
        )
        for number, (key, group) in enumerate(known.items(), start=FIRST_ID_OF_A_KEY)
    }


@dataclass
class Instance:
    """A Metabase installation."""

    configuration: Configuration = field(default_factory=_configuration)
    clock_skew: int = 0  # seconds that its clock is ahead
    is_licensed: bool = True
    sdk_hash: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    groups: dict[str, int] = field(
        default_factory=lambda: {name: number for number, name in enumerate(GROUPS, start=1)}
    )
    accounts: Directory = field(default_factory=_first_accounts)
    api_keys: dict[str, Account] = field(default_factory=_keys, repr=False)
    tenants: dict[str, Tenant] = field(default_factory=_first_tenants)  # by slug
    sessions: dict[str, Session] = field(default_factory=dict, repr=False)
    sign_ins: deque[SignIn] = field(default_factory=lambda: deque(maxlen=1000))
    refusals: deque[str] = field(default_factory=lambda: deque(maxlen=1000))
    _session_count: int = 0

    def reset(self) -> None:
        """Reset everything to the state after the start."""
        vars(self).update(vars(Instance()))

    @property
    def version(self) -> Version:
        return self.configuration.version

    def change(self, values: Mapping[str, Any]) -> None:
        """Set all of these settings of Metabase, or none if one is not valid."""
        had_tenants = self.has_tenants
        self.configuration.change(values)
        if had_tenants and not self.has_tenants:
            self.deactivate_tenant_users()

    def update(self, values: Mapping[str, Any]) -> None:
        """Change the version, clock, license, environment or settings: all of them, or none."""
        rest = dict(values)
        version = rest.pop("version", self.version)
        clock_skew = rest.pop("clock_skew", self.clock_skew)
        is_licensed = rest.pop("is_licensed", self.is_licensed)
        environment = rest.pop("environment", self.configuration.environment)
        if version not in list(Version):
            raise BadConfiguration(f"version: one of {', '.join(map(str, map(int, Version)))}")
        if type(clock_skew) is not int or not isinstance(is_licensed, bool):
            raise BadConfiguration("clock_skew must be an integer, and is_licensed true or false")
        if not isinstance(environment, dict) or not all(
            isinstance(value, str) for value in environment.values()
        ):
            raise BadConfiguration('environment: not an object like {"MB_JWT_ENABLED": "true"}')
        changed = self.configuration.moved_to(Version(version), environment)
        changed.checked(rest)
        self.configuration = changed
        self.clock_skew, self.is_licensed = clock_skew, is_licensed
        self.change(rest)

    @property
    def has_tenants(self) -> bool:
        """Whether the version supports tenants, and they are switched on."""
        return self.version.has_tenants and bool(self.configuration["use-tenants"])

    @property
    def hides_stack_traces(self) -> bool:
        """Whether MB_HIDE_STACKTRACES is set, which is only an environment variable."""
        return self.configuration.environment.get("MB_HIDE_STACKTRACES", "") == "true"

    def now(self) -> int:
        """Return the time of the instance's clock, in seconds since 1970."""
        return int(time.time()) + self.clock_skew

    # Sessions

    def start_session(self, account: Account, how: How | None = None) -> str:
        """Start a session; return its id."""
        session = str(uuid.uuid4())
        self._session_count += 1
        self.sessions[session] = Session(self._session_count, account, self.now(), how)
        return session

    def account_of(self, session: str | None) -> Account | None:
        """Return the account of a session, or None if the session has ended or it is inactive."""
        found = self.sessions.get(session or "")
        if found is None or not found.account.is_active:
            return None
        minutes = int(self.configuration.environment.get("MAX_SESSION_AGE", MAX_SESSION_AGE))
        return found.account if self.now() - found.started < minutes * 60 else None

    def end_sessions(self, account: Account | None) -> list[Session]:
        """End all sessions of an account, or of all accounts; return them."""
        ended = {
            name: session
            for name, session in self.sessions.items()
            if account is None or session.account is account
        }
        for name in ended:
            del self.sessions[name]
        return list(ended.values())

    # People

    def deactivate(self, account: Account, *, with_tenant: bool = False) -> None:
        """Deactivate an account, so that its sessions no longer work."""
        if not account.is_active:
            return
        account.is_active, account.went_with_tenant = False, with_tenant
        self.accounts.changed()
        if self.version.ends_sessions_of_the_deactivated:
            self.end_sessions(account)

    def reactivate(self, account: Account) -> None:
        account.is_active, account.went_with_tenant = True, False
        self.accounts.changed()

    def deactivate_tenant_users(self, slug: str | None = None) -> None:
        """Deactivate the users of one tenant, or of all tenants."""
        for account in self.accounts:
            if account.tenant is not None and slug in {None, account.tenant}:
                self.deactivate(account, with_tenant=True)

    def set_tenant_active(self, tenant: Tenant, *, is_active: bool) -> None:
        """Activate or deactivate a tenant together with its users."""
        tenant.is_active = is_active
        if not is_active:
            self.deactivate_tenant_users(tenant.slug)
        for account in self.accounts:
            if is_active and account.tenant == tenant.slug and account.went_with_tenant:
                self.reactivate(account)

    def attributes_of(self, account: Account) -> dict[str, str]:
        """Return the attributes that row-level security compares.

        Attributes of the token override those of the tenant, and attributes that an administrator
        has set override both.
        """
        tenant = self.tenants.get(account.tenant or "")
        inherited = tenant.attributes if tenant else {}
        return {**inherited, **account.jwt_attributes, **account.typed}


instance = Instance()
_lock = threading.Lock()


class OneRequestAtATime:
    """Serves one request after the other, because runserver's threads share the instance."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with _lock:
            response = self.get_response(request)
            response["Date"] = http_date(instance.now())
            return response
