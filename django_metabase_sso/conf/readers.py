"""Readers that validate the settings, one for each kind of value.

A reader gets the key and `Written`, and returns the value that is used. It raises `BadSetting` if
the setting cannot work or is unsafe.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.urls import NoReverseMatch
from django.utils.functional import Promise
from django.utils.module_loading import import_string

from django_metabase_sso.conf import addresses
from django_metabase_sso.exceptions import BadSetting

REQUIRED: Final = object()  # the default of a key that the project must set
CLAIM_NAMES: Final = {
    "email": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "groups": "groups",
    "tenant": "@tenant",
    "tenant_attributes": "@tenant.attributes",
}
REGISTERED_CLAIMS: Final = frozenset({"iss", "iat", "sub", "aud", "exp", "nbf", "jti"})
END_ACCESS: Final = ("logout", "deactivation")
GroupMapping = Callable[..., Any] | Mapping[str, str | Iterable[str]] | None


class Written:
    """`METABASE_SSO` at one moment. `written[key]` is the project's value, or the default.

    It has no `repr` of its values: error pages show local variables, and it contains the secrets.
    """

    __slots__ = ("_defaults", "_values")

    def __init__(self, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self._values = values
        self._defaults = defaults

    def __getitem__(self, key: str) -> Any:
        return self._values[key] if key in self._values else self._defaults[key]


def instance_url(key: str, written: Written) -> addresses.InstanceURL:
    """Return Metabase's address."""
    url = written[key]
    hint = f'Write "{key}": "https://metabase.example.com".'
    if url is None or url is REQUIRED or (isinstance(url, str) and not url.strip()):
        raise BadSetting("metabase_sso.E003", f"METABASE_SSO[{key!r}] is missing.", hint)
    if not isinstance(url, str):
        message = f"METABASE_SSO[{key!r}] is not a string: it is a {type(url).__name__}."
        raise BadSetting("metabase_sso.E003", message, hint)
    try:
        return addresses.parse_instance_url(url)
    except ValueError as error:
        message = f"METABASE_SSO[{key!r}] {error}."
        raise BadSetting("metabase_sso.E003", message, hint) from None


def switch(key: str, written: Written) -> bool:
    """Return True or False. The string "False" from an environment is an error."""
    value = written[key]
    if not isinstance(value, bool):
        message = f"METABASE_SSO[{key!r}] is neither True nor False."
        hint = f'Write "{key}": True or False, without quotation marks.'
        raise BadSetting("metabase_sso.E014", message, hint)
    return value


def seconds(key: str, written: Written) -> int:
    """Return a lifetime in whole seconds, above 0."""
    lifetime = written[key]
    if isinstance(lifetime, timedelta):
        lifetime = int(lifetime.total_seconds())
    if not isinstance(lifetime, int) or isinstance(lifetime, bool) or lifetime < 1:
        message = (
            f"METABASE_SSO[{key!r}] must be a timedelta or a positive whole number of seconds."
        )
        raise BadSetting("metabase_sso.E008", message, f'Write "{key}": timedelta(minutes=10).')
    return lifetime


def group_mapping(key: str, written: Written) -> GroupMapping:
    """Return a dict from Django's groups to Metabase's, a callable, or None."""
    mapping = written[key]
    if not isinstance(mapping, dict):
        return None if mapping is None else as_callable(key, mapping)
    if not all(isinstance(group, str) and _are_names(names) for group, names in mapping.items()):
        message = f"METABASE_SSO[{key!r}] must map strings to strings or to lists of strings."
        hint = f'Write "{key}": {{"django group": ["Metabase group"]}}.'
        raise BadSetting("metabase_sso.E009", message, hint)
    return mapping


def _are_names(value: object) -> bool:
    names = [value] if isinstance(value, str) else value
    return isinstance(names, list | tuple | set | frozenset) and all(
        isinstance(name, str) for name in names
    )


def claim_names(key: str, written: Written) -> dict[str, str]:
    """Return the name of each claim."""
    renames = written[key]
    if not renames and isinstance(renames, dict):
        return CLAIM_NAMES
    if isinstance(renames, dict) and renames.keys() <= CLAIM_NAMES.keys():
        names = {**CLAIM_NAMES, **renames}
        texts = {name for name in names.values() if isinstance(name, str) and name.strip()}
        if len(texts) == len(names) and texts.isdisjoint(REGISTERED_CLAIMS):
            return names
    message = f"METABASE_SSO[{key!r}] must give every claim a different name."
    hint = (
        f"The keys may be {', '.join(CLAIM_NAMES)}. The names may not be"
        f" {', '.join(sorted(REGISTERED_CLAIMS))}."
    )
    raise BadSetting("metabase_sso.E010", message, hint)


def origins(key: str, written: Written) -> tuple[addresses.AllowedOrigin, ...]:
    """Return the parsed origins."""
    entries = written[key]
    hint = f'Write "{key}": ["https://app.example.com"].'
    if not isinstance(entries, list | tuple):
        raise BadSetting("metabase_sso.E012", f"METABASE_SSO[{key!r}] is not a list.", hint)
    allowed = []
    for entry in entries:
        try:
            if not isinstance(entry, str):
                raise ValueError("is not a string")  # noqa: TRY004, TRY301
            allowed.append(addresses.parse_origin(entry))
        except ValueError as error:
            message = f"METABASE_SSO[{key!r}]: {entry!r} {error}."
            raise BadSetting("metabase_sso.E012", message, hint) from None
    return tuple(allowed)


def login_url(key: str, written: Written) -> str:
    """Return a URL, a path or the name of a URL pattern, as in Django's own `LOGIN_URL`."""
    url = written[key]
    name = "LOGIN_URL" if url is None else f"METABASE_SSO[{key!r}]"
    url = settings.LOGIN_URL if url is None else url
    problem = f"is not a string: it is a {type(url).__name__}."
    if isinstance(url, str | Promise):
        try:
            text = str(url)  # may be reverse_lazy
        except NoReverseMatch as error:
            problem = f"cannot be resolved: {error}"
        else:
            if text.strip():
                return text
            problem = "is blank."
    hint = f'Write "{key}": "login", or the path or the URL of your login page.'
    raise BadSetting("metabase_sso.E013", f"{name} {problem}", hint)


def redirect_params(key: str, written: Written) -> dict[str, str]:
    """Return the extra parameters of the redirect to Metabase."""
    params = written[key]
    if (
        isinstance(params, dict)
        and all(isinstance(text, str) for pair in params.items() for text in pair)
        and not {"jwt", "return_to"} & params.keys()
    ):
        return params
    message = (
        f"METABASE_SSO[{key!r}] must be a dict of strings without the keys jwt and return_to."
    )
    raise BadSetting("metabase_sso.E013", message, f'Write "{key}": {{"token": "true"}}.')


def end_access(key: str, written: Written) -> tuple[str, ...]:
    """Return the events in Django that end access in Metabase: "logout", "deactivation"."""
    value = written[key]
    is_list = isinstance(value, list | tuple | set | frozenset)
    if is_list and all(entry in END_ACCESS for entry in value):
        return tuple(value)
    message = f"METABASE_SSO[{key!r}] must be a list of {' and '.join(map(repr, END_ACCESS))}."
    raise BadSetting("metabase_sso.E034", message, f'Write "{key}": ["logout", "deactivation"].')


def callable_or_none(key: str, written: Written) -> Callable[..., Any] | None:
    """Return the callable in `key`, which may be a dotted path, or None."""
    value = written[key]
    return None if value is None else as_callable(key, value)


def as_callable(key: str, value: object) -> Callable[..., Any]:
    """Return the callable that a value of `key` is, or whose dotted path it is."""
    if isinstance(value, str):
        try:
            found = import_string(value)
        except Exception as error:
            hint = f"Write the dotted path of a function: {_nearest(value)!r}."
            problem = f"{value!r} could not be imported ({type(error).__name__}: {error})."
            message = f"METABASE_SSO[{key!r}]: {problem}"
            raise BadSetting("metabase_sso.E015", message, hint) from error
        value = found
    if callable(value):
        return value
    message = f"METABASE_SSO[{key!r}] is neither a callable nor the dotted path of one."
    hint = f"Write a function, its dotted path, or leave {key} out."
    raise BadSetting("metabase_sso.E015", message, hint)


def _nearest(path: str) -> str:
    """Return the dotted path that was probably meant."""
    module, _, name = path.rpartition(".")
    names = vars(sys.modules[module]) if module in sys.modules else ()
    found = difflib.get_close_matches(name, names)
    return f"{module}.{found[0]}" if found else "analytics.metabase.function"
