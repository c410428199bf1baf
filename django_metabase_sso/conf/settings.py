"""`METABASE_SSO`, one line for each key: its reader, its default, the arguments of its callable.

A setting is read and validated when it is used. System checks do not run under gunicorn or
uvicorn, so reading raises `BadSetting`, and the checks report the same exceptions. To add a
setting, add a line here and a section to docs/settings.md.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar, overload

from django.conf import settings

from django_metabase_sso.conf import readers, secrets
from django_metabase_sso.conf.readers import REQUIRED, Written
from django_metabase_sso.exceptions import BadSetting

T = TypeVar("T")
USER: Final = ("user", "request")
ITEM: Final = ("request", "entity_type", "entity_id", "custom_context")


class Setting(Generic[T]):
    """A key of `METABASE_SSO`. `arguments` are the arguments of its callable."""

    key: str

    def __init__(
        self,
        read: Callable[[str, Written], T],
        default: object = None,
        arguments: tuple[str, ...] | None = None,
    ) -> None:
        self.read = read
        self.default = default
        self.arguments = arguments

    def __set_name__(self, owner: type, name: str) -> None:
        self.key = name

    @overload
    def __get__(self, instance: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, instance: Conf, owner: type) -> T: ...
    def __get__(self, instance: Conf | None, owner: type) -> Setting[T] | T:
        if instance is None:
            return self
        value = self.read(self.key, instance.kept or written())
        if instance.kept is not None:
            instance.__dict__[self.key] = value  # from now on, Python finds the value here
        return value


class Conf:
    """The present settings. Each is read whenever it is used.

    Raises `BadSetting` if the value cannot work or is unsafe.
    """

    INSTANCE_URL = Setting(readers.instance_url, REQUIRED)
    JWT_SHARED_SECRET = Setting(secrets.jwt_shared_secret, REQUIRED, arguments=())
    TOKEN_LIFETIME = Setting(readers.seconds, timedelta(minutes=10))
    GROUP_MAPPING = Setting(readers.group_mapping, None, arguments=USER)
    ALLOW_ADMINISTRATORS = Setting(readers.switch, default=False)
    USER_ATTRIBUTES = Setting(readers.callable_or_none, None, arguments=USER)
    TENANT = Setting(readers.callable_or_none, None, arguments=USER)
    TENANT_ATTRIBUTES = Setting(readers.callable_or_none, None, arguments=USER)
    CLAIM_NAMES = Setting(readers.claim_names, {})
    AUTHENTICATE = Setting(readers.callable_or_none, None, arguments=("request",))
    ACCESS_POLICY = Setting(readers.callable_or_none, None, arguments=USER)
    REQUIRE_UNIQUE_EMAIL = Setting(readers.switch, default=True)
    ALLOW_IMPERSONATION = Setting(readers.switch, default=False)
    ALLOWED_ORIGINS = Setting(readers.origins, [])
    LOGIN_URL = Setting(readers.login_url, None)
    REDIRECT_PARAMS = Setting(readers.redirect_params, {"token": "true"})
    EMBEDDING_SECRET_KEY = Setting(secrets.embedding_secret_key, None, arguments=())
    GUEST_TOKEN_LIFETIME = Setting(readers.seconds, timedelta(minutes=10))
    GUEST_PARAMS = Setting(readers.callable_or_none, None, arguments=ITEM)
    GUEST_ENTITY_IDS = Setting(readers.switch, default=False)
    API_KEY = Setting(secrets.api_key, None, arguments=())
    END_ACCESS = Setting(readers.end_access, ())
    DEVELOPMENT_API_KEY = Setting(secrets.development_api_key, None)

    kept: Written | None = None


class Snapshot(Conf):
    """The settings during one call of a view. Each is read once, when it is first used.

    Its `repr` shows no values, because it contains the secrets.
    """

    def __init__(self) -> None:
        self.kept = written()

    def __repr__(self) -> str:
        return "<Snapshot>"


conf = Conf()
SETTINGS: Final[dict[str, Setting[Any]]] = {
    key: setting for key, setting in vars(Conf).items() if isinstance(setting, Setting)
}
DEFAULTS: Final[dict[str, Any]] = {key: setting.default for key, setting in SETTINGS.items()}
EXAMPLE: Final = """Write, for example:
METABASE_SSO = {
    "INSTANCE_URL": "https://metabase.example.com",
    "JWT_SHARED_SECRET": os.environ["METABASE_JWT_SHARED_SECRET"],
    "ACCESS_POLICY": "django_metabase_sso.policies.trust_emails",
}"""


def written() -> Written:
    """Return the present `METABASE_SSO`. Raises BadSetting unless it is a dict of known keys."""
    values = getattr(settings, "METABASE_SSO", None)
    if isinstance(values, dict) and values.keys() <= DEFAULTS.keys():
        return Written(values, DEFAULTS)
    del values  # it contains the secret, and error pages show local variables
    raise problems()[0]


def problems() -> list[BadSetting]:
    """Return why `METABASE_SSO` cannot be read: it is not a dict, or it has unknown keys."""
    if not isinstance(getattr(settings, "METABASE_SSO", None), dict):
        message = "METABASE_SSO is not a dict in your settings."
        return [BadSetting("metabase_sso.E001", message, EXAMPLE)]
    found = []
    for key in sorted(map(str, settings.METABASE_SSO.keys() - DEFAULTS.keys())):
        nearest = difflib.get_close_matches(key.upper(), DEFAULTS, cutoff=0)[0]
        message = f"METABASE_SSO has an unknown key {key!r}."
        found.append(BadSetting("metabase_sso.E002", message, f"Did you mean {nearest!r}?"))
    return found
