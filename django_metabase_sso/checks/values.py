"""Checks of the values in `METABASE_SSO`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from django.conf import settings
from django.core.checks import CheckMessage, Error

from django_metabase_sso.checks.messages import error, read, warning
from django_metabase_sso.conf import NEW_SECRET, conf
from django_metabase_sso.exceptions import BadSetting
from django_metabase_sso.keys import DEFAULTS, unknown_keys, value_of
from django_metabase_sso.tokens import sign

DAY = 86_400  # seconds
ARGUMENTS = {
    "JWT_SHARED_SECRET": (),
    "AUTHENTICATE": ("request",),
    **dict.fromkeys(
        ("GROUP_MAPPING", "USER_ATTRIBUTES", "TENANT", "TENANT_ATTRIBUTES", "ACCESS_POLICY"),
        ("user", "request"),
    ),
}


@runtime_checkable
class Parts(Protocol):
    """A callable made of others, which may be dotted paths."""

    def parts(self) -> list[Callable[..., Any]]: ...


def check_values(**kwargs: Any) -> list[CheckMessage]:
    """Report what the properties of `conf` would raise at run time."""
    if not isinstance(getattr(settings, "METABASE_SSO", None), dict):
        return [_as_error(problem) for problem in _problems(["INSTANCE_URL"])]
    unknown = unknown_keys()
    if unknown:
        return [_as_error(problem) for problem in unknown]
    keys = list(DEFAULTS)
    if callable(value_of("JWT_SHARED_SECRET")):  # asked under --deploy only: it may be a vault
        keys.remove("JWT_SHARED_SECRET")
    found: list[CheckMessage] = [_as_error(problem) for problem in _problems(keys)]
    if "JWT_SHARED_SECRET" in keys:
        found += _surrounding_space()
    if read("TENANT_ATTRIBUTES") and not read("TENANT"):
        message = "METABASE_SSO['TENANT_ATTRIBUTES'] is set, and 'TENANT' is not."
        found.append(warning(4, message, "Set TENANT too, or move the values to USER_ATTRIBUTES."))
    return found


def check_callables(**kwargs: Any) -> list[CheckMessage]:
    """Report callables that take other arguments than they will get, and async ones."""
    found: list[CheckMessage] = []
    for key, arguments in ARGUMENTS.items():
        function = _function(key)
        if function is not None:
            found += _check_callable(key, function, arguments)
    return found


def _check_callable(
    key: str, function: Callable[..., Any], arguments: tuple[str, ...]
) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    where = f"METABASE_SSO[{key!r}]"
    if not _takes(function, arguments):
        name = getattr(function, "__name__", key.lower())
        message = f"{where}: {name} is called with other arguments."
        found.append(error(18, message, f"def {name}({', '.join(arguments)}): ..."))
    if inspect.iscoroutinefunction(function):
        found.append(error(19, f"{where} is async, and is not awaited.", "Make it a plain def."))
    try:
        for part in _parts(function):
            found += _check_callable(key, part, arguments)
    except BadSetting as problem:
        found.append(_as_error(problem))
    return found


def check_lifetime(**kwargs: Any) -> list[CheckMessage]:
    """Report a lifetime that the clocks' difference eats up, or that keeps stale rights alive."""
    lifetime = read("TOKEN_LIFETIME")
    if lifetime is None or 30 <= lifetime <= DAY:
        return []
    return [
        warning(
            3,
            f"METABASE_SSO['TOKEN_LIFETIME'] is {lifetime} s: below 30 s tokens expire when the"
            " clocks differ, above a day the SDK goes on for that long with old groups.",
            'Write "TOKEN_LIFETIME": timedelta(minutes=10).',
        )
    ]


def check_instance_scheme(**kwargs: Any) -> list[CheckMessage]:
    """Report tokens that would travel in the clear."""
    instance = read("INSTANCE_URL")
    if instance is None or instance.origin.startswith("https:"):
        return []
    message = "METABASE_SSO['INSTANCE_URL'] is http: tokens and sessions travel in the clear."
    return [warning(2, message, f'Write "INSTANCE_URL": "https{str(instance)[4:]}".')]


def check_called_secret(**kwargs: Any) -> list[CheckMessage]:
    """Ask a callable JWT_SHARED_SECRET for the secret, and report what is wrong with it."""
    if not callable(_value("JWT_SHARED_SECRET")):
        return []
    try:
        found = [_as_error(problem) for problem in _problems(["JWT_SHARED_SECRET"])]
        return [*found, *_surrounding_space()]
    except Exception as failure:  # noqa: BLE001
        name = type(failure).__name__  # its text could quote the secret
        message = f"The callable METABASE_SSO['JWT_SHARED_SECRET'] raised {name}."
        return [error(20, message, "Call it in `manage.py shell` to see why.")]


def _problems(keys: list[str]) -> list[BadSetting]:
    found = []
    for key in keys:
        try:
            if key == "JWT_SHARED_SECRET":
                sign({})  # finds what PyJWT does not take for a secret, too
            else:
                getattr(conf, key)
        except BadSetting as problem:
            found.append(problem)
    return found


def _as_error(problem: BadSetting) -> Error:
    return Error(problem.message, problem.hint, id=f"metabase_sso.{problem.check_id}")


def _surrounding_space() -> list[CheckMessage]:
    secret = read("JWT_SHARED_SECRET")
    text = "" if secret is None else secret.decode()
    if text == text.strip().strip("\ufeff"):
        return []
    message = "METABASE_SSO['JWT_SHARED_SECRET'] begins or ends with white space."
    return [
        warning(1, message, f"Metabase signs with what is in its field, to the byte. {NEW_SECRET}")
    ]


def _value(key: str) -> Any:
    try:
        return value_of(key)
    except BadSetting:
        return None


def _function(key: str) -> Callable[..., Any] | None:
    found = _value(key) if key == "JWT_SHARED_SECRET" else read(key)
    return found if callable(found) else None


def _parts(function: object) -> list[Callable[..., Any]]:
    return function.parts() if isinstance(function, Parts) else []


def _takes(function: Callable[..., Any], arguments: tuple[str, ...]) -> bool:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin: nothing to be known
        return True
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True
