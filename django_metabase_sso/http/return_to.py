"""Where Metabase may send the person afterwards: a page of this Metabase, and nothing else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_plus

from django.utils.translation import gettext

from django_metabase_sso.conf.addresses import InstanceURL, origin_of
from django_metabase_sso.exceptions import InvalidReturnTo

PARAMETERS = ("return_to", "redirect")
# Metabase's own end points: signing out or calling its API is no page to land on.
CLOSED = frozenset({"auth", "api"})
ABSOLUTE = re.compile(r"(https?)://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# What java.net.URI takes unescaped, in a path and behind it.
IN_PATH = "/:@&=+$,;~!*'()-._%"
IN_QUERY = IN_PATH + "?"


class Query(NamedTuple):
    """A query string: the values of `return_to`, and all that is outside of them."""

    values: tuple[str, ...]
    outside: str


def read_query(query: str) -> Query:
    """Take `return_to` (or `redirect`) out of a raw query string.

    Metabase appends the path unencoded (metabase/metabase#13078), so a value with a literal `?`
    takes the rest of the query string with it, as it is. Other values are still encoded here.
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
    return Query(tuple(values), "&".join(outside))


def clean_return_to(values: tuple[str, ...], instance: InstanceURL) -> str:
    """Return the path on Metabase to send on, escaped so that Java's `URI` accepts it.

    Takes the raw values of `read_query`; none or an empty one means `/`. Raises InvalidReturnTo
    for anything but a path, or an absolute URL below `instance`.
    """
    if len(values) > 1:
        raise InvalidReturnTo(gettext("It is given more than once."))
    value = _decoded(values[0]) if values else ""
    path = _below(instance, value) or "/"
    _refuse_hostile(path)
    return _escaped(path)


def _decoded(value: str) -> str:
    if not value.isascii():
        raise InvalidReturnTo(gettext("It has characters that are not percent-encoded."))
    return value if "?" in value else _strictly(unquote_plus, value)


def _below(instance: InstanceURL, value: str) -> str:
    absolute = ABSOLUTE.fullmatch(value)
    if absolute is None:
        return value
    scheme, netloc, rest = absolute.groups()
    try:
        origin = origin_of(scheme, netloc)
    except ValueError:
        origin = ""
    below = rest.removeprefix(instance.prefix)
    if origin != instance.origin or not rest.startswith(instance.prefix):
        raise InvalidReturnTo(gettext("It is on another host than Metabase."))
    if instance.prefix and below[:1] not in ("", "/", "?", "#"):
        raise InvalidReturnTo(gettext("It is outside of Metabase's path."))
    return below if below.startswith("/") else f"/{below}"


def _refuse_hostile(path: str) -> None:
    # Whatever decodes it once more on its way must find nothing new in it.
    for _ in range(5):
        _refuse_plain(path)
        decoded = _strictly(unquote, path)
        if decoded == path:
            return
        path = decoded
    raise InvalidReturnTo(gettext("It is encoded too many times."))


def _refuse_plain(value: str) -> None:
    if "\\" in value or any(unicodedata.category(char) == "Cc" for char in value):
        raise InvalidReturnTo(gettext("It has a backslash or a control character."))
    path = re.split(r"[?#]", value)[0]
    if not path.startswith("/") or path.startswith("//"):
        raise InvalidReturnTo(gettext("It does not begin with exactly one slash."))
    # Servlet containers cut ;parameters off a segment before they read it.
    segments = [segment.partition(";")[0].strip().lower() for segment in path.split("/")]
    if not {".", ".."}.isdisjoint(segments):
        raise InvalidReturnTo(gettext("It has a dot segment."))
    if next(filter(None, segments), "") in CLOSED:
        raise InvalidReturnTo(gettext("It is none of Metabase's pages."))


def _strictly(decode: Callable[..., str], value: str) -> str:
    try:
        return decode(value, errors="strict")
    except UnicodeDecodeError:
        raise InvalidReturnTo(gettext("It is not UTF-8.")) from None


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
