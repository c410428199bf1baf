"""Checks `return_to`: after the sign-in, Metabase may only redirect to a page of its own."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote_plus

from django.utils.translation import gettext

from django_metabase_sso.conf.addresses import InstanceURL, browser_host, path_problem
from django_metabase_sso.exceptions import InvalidReturnTo

PARAMETERS = ("return_to", "redirect")
ABSOLUTE = re.compile(r"(https?)://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# The characters that java.net.URI accepts unescaped, in a path and after it.
IN_PATH = "/:@&=+$,;~!*'()-._%"
IN_QUERY = IN_PATH + "?"


class Query(NamedTuple):
    """A query string: the values of `return_to`, the rest, and whether that has response=json.

    A value of `return_to` may contain anything, `response=json` as well.
    """

    values: tuple[str, ...]
    outside: str
    asks_json: bool


@lru_cache(maxsize=64)
def read_query(query: str) -> Query:
    """Separate `return_to` (or `redirect`) from a raw query string.

    Metabase appends the path unencoded (metabase/metabase#13078). If a value contains a literal
    `?`, the rest of the query string therefore belongs to it. The values are not decoded.
    """
    values: list[str] = []
    outside: list[str] = []
    parts = query.split("&")
    for index, part in enumerate(parts):
        name, _, value = part.partition("=")
        if unquote_plus(name) not in PARAMETERS:
            outside.append(part)
        elif "?" in value:
            values.append("&".join([value, *parts[index + 1 :]]))
            break
        else:
            values.append(value)
    return Query(tuple(values), "&".join(outside), "response=json" in outside)


def clean_return_to(values: tuple[str, ...], instance: InstanceURL) -> str:
    """Return the path for Metabase, which redirects to it unchanged.

    It begins with the instance's path prefix, and is escaped so that Java's `URI` accepts it.
    `values` are the raw values of `read_query`. No value or an empty one means the start page of
    the instance. A path may have the prefix or not. Raises InvalidReturnTo for values that
    are neither a path nor an absolute URL below `instance`.
    """
    if len(values) > 1:
        raise InvalidReturnTo(gettext("It was given more than once."))
    value = _decoded(values[0]) if values else ""
    path = _below(instance, value)
    problem = path_problem(path, instance)
    if problem:
        raise InvalidReturnTo(gettext(problem))
    return instance.prefix + _escaped(path)


def _decoded(value: str) -> str:
    if not value.isascii():
        raise InvalidReturnTo(gettext("It contains characters that must be percent-encoded."))
    try:
        return value if "?" in value else unquote_plus(value, errors="strict")
    except UnicodeDecodeError:
        raise InvalidReturnTo(gettext("It is not valid UTF-8.")) from None


def _below(instance: InstanceURL, value: str) -> str:
    """Return the path below the instance's prefix, for each of the three forms."""
    absolute = ABSOLUTE.fullmatch(value)
    if absolute is None:
        below = _after(instance.prefix, value) if instance.prefix else None
        return below or value or "/"
    scheme, netloc, path = absolute.groups()
    scheme = scheme.lower()
    if f"{scheme}://{browser_host(scheme, netloc)}" != instance.origin:
        raise InvalidReturnTo(gettext("It is on a different host than Metabase."))
    below = _after(instance.prefix, path)
    if below is None:
        raise InvalidReturnTo(gettext("It is outside Metabase's path."))
    return below


def _after(prefix: str, path: str) -> str | None:
    """Return the path after the prefix, with a slash, or None if it is not below the prefix."""
    below = path.removeprefix(prefix)
    if not path.startswith(prefix) or below[:1] not in ("", "/", "?", "#"):
        return None
    return below if below.startswith("/") else f"/{below}"


def _escaped(value: str) -> str:
    before, hash_sign, fragment = LONE_PERCENT.sub("%25", value).partition("#")
    path, question_mark, query = before.partition("?")
    return (
        quote(path, safe=IN_PATH)
        + question_mark
        + quote(query, safe=IN_QUERY)
        + hash_sign
        + quote(fragment, safe=IN_QUERY)
    )
