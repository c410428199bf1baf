"""Checks of `METABASE_SSO` itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core import checks
from django.core.checks import CheckMessage, Tags

from django_metabase_sso.checks.messages import as_written, read, register, remote_instance
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.secrets import (
    API_KEY_HINT,
    NEW_SECRET,
    QUOTES,
    SECRETS,
    SHORTEST_SECRET,
    Secret,
)
from django_metabase_sso.conf.settings import SETTINGS, problems
from django_metabase_sso.exceptions import BadSetting
from django_metabase_sso.tokens import signed

# A callable without arguments returns a secret, and may ask a vault.
ASKED = tuple(key for key, setting in SETTINGS.items() if setting.arguments == ())
DAY = 86_400  # seconds
FOR_TESTS = "tests-only-metabase-"  # as in django_metabase_sso.test
FEWEST_CHARACTERS = 8  # different ones: hex has 16


@checks.register(Tags.security)
def check_keys(**kwargs: Any) -> list[CheckMessage]:
    """Report why METABASE_SSO cannot be read."""
    return [_as_error(problem) for problem in problems()]


@register(Tags.security)
def check_values(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report what reading a setting would raise at run time, and what a secret has at its ends."""
    yield from _examined([*(key for key in SETTINGS if key not in ASKED), *_plain_secrets()])


@register(Tags.security)
def check_callables(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report callables that take other arguments than they will get, and async ones."""
    for key, setting in SETTINGS.items():
        function = as_written(key) if key in ASKED else read(key)
        if setting.arguments is not None and callable(function):
            yield from _check_callable(key, function, setting.arguments)


def _check_callable(
    key: str, function: Callable[..., Any], arguments: tuple[str, ...]
) -> Iterator[CheckMessage]:
    where = f"METABASE_SSO[{key!r}]"
    try:
        inspect.signature(function).bind(*arguments)
    except ValueError:
        pass  # a builtin: nothing to be known
    except TypeError:
        name = getattr(function, "__name__", key.lower())
        message = f"{where}: {name} does not accept the arguments that it is called with."
        hint = f"def {name}({', '.join(arguments)}): ..."
        yield checks.Error(message, hint, id="metabase_sso.E018")
    if any(map(iscoroutinefunction, (function, getattr(function, "__call__", None)))):  # noqa: B004
        message = f"{where} is async, but it is called without await."
        hint = "Make it a regular function, with def."
        yield checks.Error(message, hint, id="metabase_sso.E018")
    try:
        # A callable made of others, which may be dotted paths, has these.
        for part in getattr(function, "parts", list)():
            yield from _check_callable(key, part, arguments)
    except BadSetting as problem:
        yield _as_error(problem)


@register(Tags.security)
def check_pairs(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report settings that need another setting, or that contradict one."""
    if as_written("TENANT_ATTRIBUTES") and not as_written("TENANT"):
        message = "METABASE_SSO['TENANT_ATTRIBUTES'] is set, but 'TENANT' is not."
        hint = "Set TENANT as well, or move the values to USER_ATTRIBUTES."
        yield checks.Warning(message, hint, id="metabase_sso.W004")
    if as_written("GUEST_PARAMS") and as_written("EMBEDDING_SECRET_KEY") is None:
        message = "METABASE_SSO['GUEST_PARAMS'] is set, but EMBEDDING_SECRET_KEY is not."
        hint = 'Write "EMBEDDING_SECRET_KEY": os.environ["METABASE_EMBEDDING_SECRET_KEY"].'
        yield checks.Error(message, hint, id="metabase_sso.E029")
    if read("END_ACCESS") and as_written("API_KEY") is None:
        message = "METABASE_SSO['END_ACCESS'] is set, but 'API_KEY' is not: no access is ended."
        yield checks.Error(message, API_KEY_HINT, id="metabase_sso.E029")
    if "logout" in (read("END_ACCESS") or ()) and read("REDIRECT_PARAMS") == {}:
        yield checks.Warning(
            "METABASE_SSO['END_ACCESS'] contains 'logout', which needs Metabase 65 or newer, but"
            " 'REDIRECT_PARAMS' is {}, as for Metabase 54 and older.",
            'Remove "logout". Signing out of Django then does not end sessions in Metabase.',
            id="metabase_sso.W032",
        )


@register(Tags.security)
def check_lifetime(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a lifetime below the difference of two clocks, or one that keeps old rights alive."""
    for key in ("TOKEN_LIFETIME", "GUEST_TOKEN_LIFETIME"):
        lifetime = read(key)
        if lifetime is not None and not 30 <= lifetime <= DAY:
            yield checks.Warning(
                f"METABASE_SSO[{key!r}] is {lifetime} seconds. Below 30, tokens expire when clocks"
                " differ slightly; above a day, embeds keep outdated permissions for that long.",
                f'Write "{key}": timedelta(minutes=10).',
                id="metabase_sso.W003",
            )


@register(Tags.security)
def check_api_key(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report an API key that is not sent, because the instance is http."""
    hint = _https()
    if hint and as_written("API_KEY") is not None:
        message = (
            "METABASE_SSO['API_KEY'] is set, but 'INSTANCE_URL' is http: the key is not sent."
        )
        yield checks.Error(message, hint, id="metabase_sso.E032")


@register(Tags.security, deploy=True)
def check_instance_scheme(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report that tokens are sent unencrypted. With an API key, E032 says so."""
    hint = _https()
    if hint and as_written("API_KEY") is None:
        message = "METABASE_SSO['INSTANCE_URL'] is http: tokens and sessions are sent unencrypted."
        yield checks.Warning(message, hint, id="metabase_sso.W002")


def _https() -> str:
    """Return what to write instead of an http address of another machine, or ""."""
    instance = remote_instance()
    if instance is None or instance.origin.startswith("https:"):
        return ""
    return f'Write "INSTANCE_URL": "https{str(instance)[4:]}".'


@register(Tags.security)
def check_development(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report an API key for development that belongs to a Metabase which others use."""
    instance = remote_instance()
    if instance is not None and read("DEVELOPMENT_API_KEY") is not None:
        yield checks.Warning(
            f"METABASE_SSO['DEVELOPMENT_API_KEY'] is set, and {instance.host} is not on this"
            " machine. Pages show the key to the browser, and Metabase accepts it on localhost"
            " only.",
            "Use a Metabase on this machine to try components.",
            id="metabase_sso.W031",
        )


@register(Tags.security, deploy=True)
def check_open_origins(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report origins that more people control than the project may think."""
    for entry in read("ALLOWED_ORIGINS") or ():
        where = f"METABASE_SSO['ALLOWED_ORIGINS']: {entry.text!r}"
        if entry.wildcard:
            message = f"{where} trusts every subdomain of {entry.host}, including forgotten ones."
            hint = "Name each front end by its exact origin."
            yield checks.Warning(message, hint, id="metabase_sso.W005")
        if entry.scheme == "http" and not entry.is_local:
            message = f"{where} is http: anyone on the network can impersonate it."
            hint = f"Write {'https' + entry.text[4:]!r}."
            yield checks.Warning(message, hint, id="metabase_sso.W002")


@register(Tags.security, deploy=True)
def check_guessable_secret(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report secrets that anybody could have."""
    for key in SECRETS:
        if _is_guessable(as_written(key)):
            message = (
                f"METABASE_SSO[{key!r}] can be guessed: it is a published test secret, or it has"
                f" fewer than {FEWEST_CHARACTERS} different characters."
            )
            yield checks.Warning(message, NEW_SECRET, id="metabase_sso.W029")


@register(Tags.security, deploy=True)
def check_called_secret(**kwargs: Any) -> Iterator[CheckMessage]:
    """Ask the callables among the secrets, and report what is wrong with what they return."""
    plain = _plain_secrets()
    for key in (key for key in ASKED if key not in plain):
        try:
            yield from _examined([key])
        except Exception as failure:  # noqa: BLE001
            name = type(failure).__name__  # its text could quote the secret
            message = f"METABASE_SSO[{key!r}]: the callable raised {name}."
            hint = "Call it in `manage.py shell` to see why."
            yield checks.Error(message, hint, id="metabase_sso.E020")
            return


def _plain_secrets() -> list[str]:
    """Return the keys of the secrets that can be read without asking a callable, a vault perhaps.

    Those under a callable wait for --deploy; and reading the second secret asks for the first.
    """
    plain = list(takewhile(lambda key: not callable(as_written(key)), SECRETS))
    return plain if callable(as_written("API_KEY")) else [*plain, "API_KEY"]


def _examined(keys: Iterable[str]) -> Iterator[CheckMessage]:
    """Yield what reading these keys raises, and what probably came with a secret by accident."""
    for key in keys:
        try:
            value = getattr(conf, key)
            if key in SECRETS and value is not None:
                signed({}, value, key)  # finds what PyJWT does not take for a secret
        except BadSetting as problem:
            yield _as_error(problem)
            continue
        edge = _edge(value) if key in ASKED and value is not None else ""
        if edge:
            message = f"METABASE_SSO[{key!r}] {edge}."
            hint = "Remove it here and in Metabase. Both must have exactly the same bytes."
            yield checks.Warning(message, hint, id="metabase_sso.W001")


def _as_error(problem: BadSetting) -> checks.Error:
    return checks.Error(problem.message, problem.hint, id=problem.check_id)


# These two return instead of raising, since error pages show local variables.
def _edge(secret: Secret) -> str:
    text = secret.reveal().decode()
    inner = text.strip().strip("\ufeff")
    if text != inner:
        return "begins or ends with white space"
    if text[0] + text[-1] in QUOTES:
        return "is in quotation marks, which are part of the secret"
    return ""


def _is_guessable(value: object) -> bool:
    if not isinstance(value, str) or len(value) < SHORTEST_SECRET:
        return False
    return value.startswith(FOR_TESTS) or len(set(value)) < FEWEST_CHARACTERS
