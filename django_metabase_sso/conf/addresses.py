"""Addresses of Metabase and its pages, and the origins that may read a token.

Metabase's paths, header names and limits are also here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext_noop

# Metabase's paths, below INSTANCE_URL.
SIGN_IN: Final = "/auth/sso"  # for browsers; without a token, it returns the sign-in method
SERVER_SIGN_IN: Final = "/auth/sso/to_session"
SIGN_OUT: Final = "/auth/logout"  # a page with a script that ends the session
SESSION: Final = "/api/session"
PROPERTIES: Final = "/api/session/properties"  # public
CURRENT_USER: Final = "/api/user/current"
GUEST_DASHBOARD: Final = "/api/embed/dashboard"
STATIC_EMBED: Final = "/embed"
EMBED_SCRIPT: Final = "/app/embed.js"
# The first segments of paths that are not pages, such as signing out or an API call.
NOT_PAGES: Final = frozenset({"auth", "api"})

SESSION_HEADER: Final = "X-Metabase-Session"
CLIENT_HEADER: Final = "X-Metabase-Client"
API_KEY_HEADER: Final = "X-API-Key"
LOCALE_HEADER: Final = "X-Metabase-Locale"  # with "en", most of Metabase's messages are English

TOKEN_AGE: Final = 180  # seconds after `iat` for which Metabase accepts a token
# Many servers accept at most 8 kB for all headers of a request.
LARGE_REDIRECT: Final = 4096  # bytes of a redirect's address; larger ones are logged
LARGEST_REDIRECT: Final = 6144  # bytes of a redirect's address; larger ones are refused
DEEPEST: Final = 5  # how often a path is checked: as it is, and decoded up to four times

DEFAULT_PORTS = {"http": 80, "https": 443}
HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
IPV6_HOST = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*")
PREFIX = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*")


class InstanceURL(NamedTuple):
    """Metabase's address. `origin` has no default port. `prefix` is empty or `/path`."""

    origin: str
    prefix: str

    def __str__(self) -> str:
        return self.origin + self.prefix

    @property
    def host(self) -> str:
        """The host with its port, as in a browser's `Host` header."""
        return self.origin.partition("://")[2]


@lru_cache(maxsize=32)
def parse_instance_url(url: str) -> InstanceURL:
    """Return the parsed address. Raises ValueError, with the reason, if it is invalid.

    Path prefixes and trailing slashes are allowed. A query, a fragment and credentials are not,
    because tokens are sent to this address.
    """
    _refuse_international(url)
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("has characters that a URL may not have")
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError("is not an absolute http or https URL")
    if "?" in url or "#" in url or "@" in parts.netloc:
        raise ValueError("has a query, a fragment or credentials")
    prefix = parts.path.rstrip("/")
    if not PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/")):
        raise ValueError("has a path that is not a plain prefix")
    return InstanceURL(origin_of(parts.scheme, parts.netloc), prefix)


def origin_of(scheme: str, netloc: str) -> str:
    """Return `scheme://host[:port]` in the form that browsers use. Raises ValueError.

    It is lowercase, without a default port (WHATWG URL, "origin").
    """
    parts = urlsplit(f"{scheme}://{netloc.lower()}")
    host = parts.hostname or ""
    port = parts.port
    if IPV6_HOST.fullmatch(host):
        host = f"[{host}]"
    elif not HOST.fullmatch(host):
        raise ValueError("does not have a valid host name")
    expected = host if port is None else f"{host}:{port}"
    if parts.netloc not in (expected, f"{expected}:"):
        raise ValueError("does not have a valid host and port")
    return f"{parts.scheme}://{host if port == DEFAULT_PORTS[parts.scheme] else expected}"


def _refuse_international(url: str) -> None:
    """Raise ValueError for a host name that is not ASCII, with its name in punycode."""
    [host] = re.findall(r"\A\w+://(?:[^/?#]*@)?(?:\*\.)?([^/?#@:]*)", url) or [""]
    if host.isascii():
        return
    problem = "must have its international domain in punycode, as browsers send it"
    try:
        name = host.encode("idna").decode()
        # Python's older rules convert "straße" to "strasse", and browsers do not. A name that is
        # not the same after decoding is not suggested.
        is_same = name.encode().decode("idna") == host.lower()
    except UnicodeError:
        is_same = False
    raise ValueError(f"{problem}: {name}" if is_same else f"{problem} (xn--...)")


def path_problem(target: str, instance: InstanceURL | None = None) -> str:
    """Return why a path could lead to another place than it seems to, or "" if it cannot.

    `target` is a path, which may have a query and a fragment. Browsers, proxies and Metabase
    decode and normalize paths in different ways, so the path must be harmless however often it is
    decoded. With `instance`, `target` must be one of Metabase's pages, and not an API endpoint.
    The reason is in English, for gettext.
    """
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    rest = target.removeprefix(path)
    for _ in range(DEEPEST):
        problem = _problem_as_it_is(path, rest, instance)
        if problem:
            return problem
        try:
            decoded = [unquote(part, errors="strict") for part in (path, rest)]
        except UnicodeDecodeError:
            return gettext_noop("It is not valid UTF-8.")
        if decoded == [path, rest]:
            return ""
        path, rest = decoded
    return gettext_noop("It is percent-encoded too many times.")


def _problem_as_it_is(path: str, rest: str, instance: InstanceURL | None) -> str:
    if "\\" in path + rest or not path.isprintable() or _has_controls(rest):
        return gettext_noop("It contains a backslash or a control character.")
    if not path.startswith("/") or path.startswith("//"):
        return gettext_noop("It does not begin with exactly one slash.")
    # Servlet containers remove ;parameters from a segment. A ? or # in the path was encoded, and
    # starts a query or a fragment after it is decoded.
    segments = [segment.partition(";")[0].strip().lower() for segment in re.split(r"[/?#]", path)]
    if not {".", ".."}.isdisjoint(segments):
        return gettext_noop("It contains a “.” or “..” segment.")
    if instance is not None and not _is_page(segments, instance.prefix):
        return gettext_noop("It is not a page of Metabase.")
    return ""


def _has_controls(text: str) -> bool:
    return not text.isprintable() and any(
        unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in text
    )


def _is_page(segments: Iterable[str], prefix: str) -> bool:
    """Return whether the segments are a page, both with the prefix and without it."""
    named = list(filter(None, segments))
    before = list(filter(None, prefix.lower().split("/")))
    while NOT_PAGES.isdisjoint(named[:1]):
        if not before or named[: len(before)] != before:
            return True
        del named[: len(before)]
    return False


def browser_host(scheme: str, netloc: str) -> str:
    """Return a host in the form that browsers use, for comparisons. Keep invalid ones unchanged.

    A `Host` header may contain uppercase letters, and the default port of the scheme.
    """
    try:
        return origin_of(scheme, netloc).partition("://")[2]
    except ValueError:
        return netloc


LABEL = re.compile(r"[a-z0-9_-]{1,63}")

# Suffixes below which anybody can get a host name. A wildcard there would allow everybody.
SHARED_SUFFIXES = frozenset(
    "amplifyapp.com ap.ngrok.io appspot.com au.ngrok.io azurestaticapps.net blogspot.com "
    "bubbleapps.io cloudfront.net csb.app deno.dev eu.ngrok.io firebaseapp.com fly.dev "
    "github.io gitlab.io gitpod.io glitch.me herokuapp.com hf.space in.ngrok.io jp.ngrok.io "
    "lhr.life loca.lt lovable.app me.uk myshopify.com netlify.app ngrok-free.app ngrok-free.dev "
    "ngrok.app ngrok.dev ngrok.io now.sh onrender.com pages.dev railway.app render.com repl.co "
    "replit.app replit.dev sa.ngrok.io streamlit.app supabase.co surge.sh trycloudflare.com "
    "up.railway.app us.ngrok.io vercel.app vercel.dev web.app webcontainer.io webflow.io "
    "wixsite.com workers.dev".split()
)
# The same for countries: co.uk, gouv.fr, edu.au. It also matches some names of single owners, who
# can allow each of their hosts.
COUNTRY_SUFFIX = re.compile(
    r"(ac|co|com|edu|go|gob|gouv|gov|govt|mil|ne|net|nhs|or|org|police|sch)\.[a-z]{2}"
)
# The same at any depth, because regions and similar names come before these suffixes.
SHARED_BELOW = frozenset(
    "amazonaws.com azurewebsites.net core.windows.net github.dev run.app".split()
)


class AllowedOrigin(NamedTuple):
    """One entry of `ALLOWED_ORIGINS`. `text` is the entry as it is written in the settings."""

    text: str
    scheme: str
    host: str  # without the leading "*." of a wildcard
    port: str  # "" or ":8443"
    wildcard: bool

    @property
    def is_local(self) -> bool:
        """Whether the origin is on this machine, where http is as secure as https."""
        return self.host in ("localhost", "127.0.0.1", "[::1]") or self.host.endswith(".localhost")

    def matches(self, origin: str) -> bool:
        """Return whether an `Origin` header matches. `*` matches exactly one DNS label."""
        if not self.wildcard:
            return origin == self.text
        head, tail = f"{self.scheme}://", f".{self.host}{self.port}"
        return (
            origin.startswith(head)
            and origin.endswith(tail)
            and LABEL.fullmatch(origin[len(head) : -len(tail)]) is not None
        )


@lru_cache(maxsize=256)
def parse_origin(text: str) -> AllowedOrigin:
    """Return the parsed entry. Raises ValueError, with the reason, if it is invalid."""
    scheme, separator, netloc = text.partition("://")
    if scheme not in ("http", "https") or not separator:
        raise ValueError(
            "must begin with https:// or http:// (an app with a scheme of its own sends a header"
            " from its native code, which needs AUTHENTICATE and no origin)"
        )
    _refuse_international(text)
    wildcard = netloc.startswith("*.")
    netloc = netloc.removeprefix("*.")
    if set(netloc) & set("/?#@"):
        raise ValueError("must be only scheme, host and port, without a path or a trailing slash")
    if "*" in netloc:
        raise ValueError("may have one *, as the whole first label: https://*.example.com")
    origin = origin_of(scheme, netloc)
    if origin != f"{scheme}://{netloc}":
        raise ValueError(f"must be written as browsers send it: {origin}")
    host, port = _split_port(netloc)
    if wildcard and _is_shared(host.removesuffix(".")):
        raise ValueError("lets anybody in who can have a name below that suffix")
    return AllowedOrigin(text, scheme, host, port, wildcard)


def matches_any(origin: str, allowed: Iterable[AllowedOrigin]) -> bool:
    """Return whether an `Origin` header matches one of the allowed origins."""
    return any(entry.matches(origin) for entry in allowed)


def site_of(host: str) -> str:
    """Return approximately the part of a host name that decides which cookies are sent.

    Browsers use the public suffix list. This function returns the last two labels, more of them
    for the suffixes above, and all of an IP address. Use it for warnings that name this limit, and
    not for decisions.
    """
    host = _split_port(host.lower())[0].removesuffix(".")
    if not host or host[-1].isdigit() or host.startswith("["):
        return host
    suffixes = _suffixes(host)
    if not SHARED_BELOW.isdisjoint(suffixes):
        return host
    sites = [name for name in suffixes if "." in name and not _is_suffix(name)]
    return sites[-1] if sites else host


def _suffixes(host: str) -> list[str]:
    """Return the host name, and the rest after each of its labels, longest first."""
    labels = host.split(".")
    return [".".join(labels[index:]) for index in range(len(labels))]


def _is_suffix(host: str) -> bool:
    return host in SHARED_SUFFIXES or COUNTRY_SUFFIX.fullmatch(host) is not None


def _is_shared(host: str) -> bool:
    return (
        "." not in host
        or host[-1].isdigit()
        or _is_suffix(host)
        or not SHARED_BELOW.isdisjoint(_suffixes(host))
    )


def _split_port(netloc: str) -> tuple[str, str]:
    parts = urlsplit(f"//{netloc}")
    port = "" if parts.port is None else f":{parts.port}"
    return netloc.removesuffix(port), port
