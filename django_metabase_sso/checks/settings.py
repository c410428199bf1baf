"""Checks of `METABASE_SSO` itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from django_metabase_sso.checks.messages import error, read, value_or_none, warning
from django_metabase_sso.conf import addresses, conf
from django_metabase_sso.conf.secrets import NEW_SECRET, SECRETS, Secret
from django_metabase_sso.conf.settings import DEFAULTS, SETTINGS, problems, written
from django_metabase_sso.exceptions import BadSetting
from django_metabase_sso.tokens import signed

DAY = 86_400  # seconds
FOR_TESTS = "tests-only-metabase-"  # as in django_metabase_sso.test
FEWEST_CHARACTERS = 8  # different ones: hex has 16


@register(Tags.security)
def check_values(**kwargs: Any) -> list[CheckMessage]:
    """Report what the properties of `conf` would raise at run time."""
    if problems():
        return [_as_error(problem) for problem in problems()]
    # A callable is asked under --deploy only: it may be a vault. The second secret asks the first.
    plain = list(takewhile(lambda key: not callable(written()[key]), SECRETS))
    found = _raised(key for key in DEFAULTS if key not in SECRETS or key in plain)
    found += _surrounding_space(plain)
    if read("TENANT_ATTRIBUTES") and not read("TENANT"):
        message = "METABASE_SSO['TENANT_ATTRIBUTES'] is set, and 'TENANT' is not."
        found.append(warning(4, message, "Set TENANT too, or move the values to USER_ATTRIBUTES."))
    return found


@register(Tags.security)
def check_callables(**kwargs: Any) -> list[CheckMessage]:
    """Report callables that take other arguments than they will get, and async ones."""
    found: list[CheckMessage] = []
    for key, setting in SETTINGS.items():
        function = value_or_none(key) if key in SECRETS else read(key)
        if setting.arguments is not None and callable(function):
            found += _check_callable(key, function, setting.arguments)
    return found


def _check_callable(
    key: str, function: Callable[..., Any], arguments: tuple[str, ...]
) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    where = f"METABASE_SSO[{key!r}]"
    try:
        inspect.signature(function).bind(*arguments)
    except ValueError:
        pass  # a builtin: nothing to be known
    except TypeError:
        name = getattr(function, "__name__", key.lower())
        message = f"{where}: {name} is called with other arguments."
        found.append(error(18, message, f"def {name}({', '.join(arguments)}): ..."))
    if inspect.iscoroutinefunction(function):
        found.append(error(19, f"{where} is async, and is not awaited.", "Make it a plain def."))
    try:
        # A callable made of others, which may be dotted paths, has these.
        for part in getattr(function, "parts", list)():
            found += _check_callable(key, part, arguments)
    except BadSetting as problem:
        found.append(_as_error(problem))
    return found


@register(Tags.security)
def check_lifetime(**kwargs: Any) -> list[CheckMessage]:
    """Report a lifetime that the clocks' difference eats up, or that keeps stale rights alive."""
    found: list[CheckMessage] = []
    for key in ("TOKEN_LIFETIME", "GUEST_TOKEN_LIFETIME"):
        lifetime = read(key)
        if lifetime is not None and not 30 <= lifetime <= DAY:
            message = (
                f"METABASE_SSO[{key!r}] is {lifetime} s: below 30 s tokens expire when the clocks"
                " differ, above a day an embed goes on for that long with old rights."
            )
            found.append(warning(3, message, f'Write "{key}": timedelta(minutes=10).'))
    return found


@register(Tags.security, deploy=True)
def check_instance_scheme(**kwargs: Any) -> list[CheckMessage]:
    """Report tokens that would travel in the clear."""
    instance = read("INSTANCE_URL")
    if instance is None or addresses.parse_origin(instance.origin).is_local:
        return []
    if instance.origin.startswith("https:"):
        return []
    message = "METABASE_SSO['INSTANCE_URL'] is http: tokens and sessions travel in the clear."
    return [warning(2, message, f'Write "INSTANCE_URL": "https{str(instance)[4:]}".')]


@register(Tags.security)
def check_development(**kwargs: Any) -> list[CheckMessage]:
    """Report an API key for development that belongs to a Metabase which others use."""
    instance = read("INSTANCE_URL")
    if instance is None or read("DEVELOPMENT_API_KEY") is None:
        return []
    if addresses.parse_origin(instance.origin).is_local:
        return []
    message = (
        f"METABASE_SSO['DEVELOPMENT_API_KEY'] is a key of {instance.host}, which is not on this"
        " machine: pages show the key to the browser, and Metabase allows it on localhost only."
    )
    return [warning(31, message, "Use a Metabase on this machine to try components.")]


@register(Tags.security, deploy=True)
def check_open_origins(**kwargs: Any) -> list[CheckMessage]:
    """Report origins that more people control than the project may think."""
    found: list[CheckMessage] = []
    for entry in read("ALLOWED_ORIGINS") or ():
        where = f"METABASE_SSO['ALLOWED_ORIGINS']: {entry.text!r}"
        if entry.wildcard:
            message = f"{where} trusts every host below {entry.host}, forgotten ones too."
            found.append(warning(5, message, "Name each front end by its exact origin."))
        if entry.scheme == "http" and not entry.is_local:
            message = f"{where} is http: whoever is on the network can be that origin."
            found.append(warning(6, message, f"Write {'https' + entry.text[4:]!r}."))
    return found


@register(Tags.security, deploy=True)
def check_guessable_secret(**kwargs: Any) -> list[CheckMessage]:
    """Report secrets that anybody could have."""
    found: list[CheckMessage] = []
    for key in SECRETS:
        value = value_or_none(key)
        if isinstance(value, str) and (
            value.startswith(FOR_TESTS) or len(set(value)) < FEWEST_CHARACTERS
        ):
            message = f"METABASE_SSO[{key!r}] can be guessed: it is published, or all alike."
            found.append(warning(29, message, NEW_SECRET))
    return found


@register(Tags.security, deploy=True)
def check_called_secret(**kwargs: Any) -> list[CheckMessage]:
    """Ask the callables among the secrets, and report what is wrong with what they return."""
    called = [key for key in SECRETS if callable(value_or_none(key))]
    if not called:
        return []
    try:
        return [*_raised(SECRETS), *_surrounding_space(called)]
    except Exception as failure:  # noqa: BLE001
        name = type(failure).__name__  # its text could quote the secret
        message = f"A callable for {' or '.join(called)} in METABASE_SSO raised {name}."
        return [error(20, message, "Call it in `manage.py shell` to see why.")]


def _raised(keys: Iterable[str]) -> list[CheckMessage]:
    """Return what reading these keys raises; what several of them raise counts once."""
    found: dict[str, CheckMessage] = {}
    for key in keys:
        try:
            value = getattr(conf, key)
            if key in SECRETS and value is not None:
                signed({}, value, key)  # finds what PyJWT does not take for a secret
        except BadSetting as problem:
            found[problem.message] = _as_error(problem)
    return list(found.values())


def _as_error(problem: BadSetting) -> Error:
    return Error(problem.message, problem.hint, id=problem.check_id)


def _surrounding_space(keys: Iterable[str]) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for key in keys:
        secret = read(key)
        if secret is not None and _has_space(secret):
            message = f"METABASE_SSO[{key!r}] begins or ends with white space."
            hint = "Strip it, here and in Metabase: the two have to be the same to the byte."
            found.append(warning(1, message, hint))
    return found


def _has_space(secret: Secret) -> bool:
    """Return instead of raising: error pages show local variables."""
    text = secret.reveal().decode()
    return text != text.strip().strip("\ufeff")
