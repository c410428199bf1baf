"""The keys of `METABASE_SSO`: their defaults, and what the project wrote for them."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string

from django_metabase_sso.exceptions import BadSetting

REQUIRED: Final = object()
DEFAULTS: Final[dict[str, Any]] = {
    "INSTANCE_URL": REQUIRED,
    "JWT_SHARED_SECRET": REQUIRED,
    "TOKEN_LIFETIME": timedelta(minutes=10),
    "GROUP_MAPPING": None,
    "ALLOW_ADMINISTRATORS": False,
    "USER_ATTRIBUTES": None,
    "TENANT": None,
    "TENANT_ATTRIBUTES": None,
    "CLAIM_NAMES": {},
    "AUTHENTICATE": None,
    "ACCESS_POLICY": None,
    "REQUIRE_UNIQUE_EMAIL": True,
    "ALLOW_IMPERSONATION": False,
    "ALLOWED_ORIGINS": [],
    "LOGIN_URL": None,
    "REDIRECT_PARAMS": {"token": "true"},
    "EMBEDDING_SECRET_KEY": None,
    "GUEST_TOKEN_LIFETIME": timedelta(minutes=10),
    "GUEST_PARAMS": None,
    "GUEST_ENTITY_IDS": False,
}
EXAMPLE = """Write, for example:
METABASE_SSO = {
    "INSTANCE_URL": "https://metabase.example.com",
    "JWT_SHARED_SECRET": os.environ["METABASE_JWT_SHARED_SECRET"],
    "ACCESS_POLICY": "django_metabase_sso.policies.trust_emails",
}"""


def value_of(key: str) -> Any:
    """Return the value of `key` as the project wrote it, else its default."""
    values = getattr(settings, "METABASE_SSO", None)
    if isinstance(values, dict) and values.keys() <= DEFAULTS.keys():
        return values.get(key, DEFAULTS[key])
    del values  # it holds the secret, and error pages show local variables
    raise _problem()


def _problem() -> BadSetting:
    if isinstance(getattr(settings, "METABASE_SSO", None), dict):
        return unknown_keys()[0]
    return BadSetting("E001", "METABASE_SSO is not a dict in your settings.", EXAMPLE)


def unknown_keys() -> list[BadSetting]:
    """Return an error for each key of `METABASE_SSO` that this package does not know."""
    found = []
    for key in sorted(map(str, set(settings.METABASE_SSO) - DEFAULTS.keys())):
        nearest = difflib.get_close_matches(key.upper(), DEFAULTS, cutoff=0)[0]
        message = f"METABASE_SSO has an unknown key {key!r}."
        found.append(BadSetting("E002", message, f"Did you mean {nearest!r}?"))
    return found


def switch(key: str) -> bool:
    """Return True or False; the text "False" from an environment is neither."""
    value = value_of(key)
    if not isinstance(value, bool):
        message = f"METABASE_SSO[{key!r}] is neither True nor False."
        raise BadSetting("E014", message, f'Write "{key}": {DEFAULTS[key]}.')
    return value


def seconds(key: str) -> int:
    """Return a lifetime in whole seconds, above 0."""
    lifetime = value_of(key)
    if isinstance(lifetime, timedelta):
        lifetime = int(lifetime.total_seconds())
    if not isinstance(lifetime, int) or isinstance(lifetime, bool) or lifetime < 1:
        message = f"METABASE_SSO[{key!r}] is no timedelta or whole seconds above 0."
        raise BadSetting("E008", message, f'Write "{key}": timedelta(minutes=10).')
    return lifetime


def callable_or_none(key: str) -> Callable[..., Any] | None:
    """Return the callable that `key` names, by a dotted path or itself."""
    value = value_of(key)
    return None if value is None else as_callable(key, value)


def as_callable(key: str, value: object) -> Callable[..., Any]:
    """Return the callable that a value of `key`, or a part of one, is or names."""
    if isinstance(value, str):
        try:
            found = import_string(value)
        except Exception as error:
            hint = f"Write the dotted path of a function: {_nearest(value)!r}."
            problem = f"{value!r} does not import ({type(error).__name__}: {error})."
            raise BadSetting("E015", f"METABASE_SSO[{key!r}]: {problem}", hint) from error
        value = found
    if callable(value):
        return value
    message = f"METABASE_SSO[{key!r}] is neither callable nor the dotted path of a callable."
    raise BadSetting("E016", message, f"Write a function, its dotted path, or leave {key} out.")


def _nearest(path: str) -> str:
    """Return the dotted path that was probably meant."""
    module, _, name = path.rpartition(".")
    names = vars(sys.modules[module]) if module in sys.modules else ()
    found = difflib.get_close_matches(name, names)
    return f"{module}.{found[0]}" if found else "analytics.metabase.function"
