"""Addresses: of a Metabase instance, of pages of it, and the origins that may read a token.

Also what is Metabase's own about them: its paths, the names of its headers, and limits.
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
SIGN_IN: Final = "/auth/sso"  # by a browser; without a token it says how to sign in
SERVER_SIGN_IN: Final = "/auth/sso/to_session"
SIGN_OUT: Final = "/auth/logout"  # a page, whose script ends the session
SESSION: Final = "/api/session"
PROPERTIES: Final = "/api/session/properties"  # for anybody
CURRENT_USER: Final = "/api/user/current"
GUEST_DASHBOARD: Final = "/api/embed/dashboard"
STATIC_EMBED: Final = "/embed"
EMBED_SCRIPT: Final = "/app/embed.js"
# The first segments of what is not a page: signing out, say, or a call of the API.
NOT_PAGES: Final = frozenset({"auth", "api"})

SESSION_HEADER: Final = "X-Metabase-Session"
CLIENT_HEADER: Final = "X-Metabase-Client"
API_KEY_HEADER: Final = "X-API-Key"
LOCALE_HEADER: Final = "X-Metabase-Locale"  # "en": most of Metabase's texts are then English

TOKEN_AGE: Final = 180  # seconds that Metabase accepts a token for, by its `iat`
# Servers commonly take 8 kB for a request's headers together.
LARGE_REDIRECT: Final = 4096  # bytes of a redirect's address: logged above
LARGEST_REDIRECT: Final = 6144  # bytes: refused above
DEEPEST: Final = 5  # how often a path is looked at: as it is, and decoded up to four times

DEFAULT_PORTS = {"http": 80, "https": 443}
HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
IPV6_HOST = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*")
PREFIX = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*")


class InstanceURL(NamedTuple):
    """Where Metabase is: `origin` without a default port, `prefix` empty or `/path`."""

    origin: str
    prefix: str

    def __str__(self) -> str:
        return self.origin + self.prefix

    @property
    def host(self) -> str:
        """The host with its port, as a browser's `Host` header has it."""
        return self.origin.partition("://")[2]


@lru_cache(maxsize=32)
def parse_instance_url(url: str) -> InstanceURL:
    """Return the address that `url` names; ValueError says what is wrong with it.

    Path prefixes and trailing slashes are fine. A query, a fragment and credentials are not:
    tokens are sent to this address.
    """
    if not url.isascii() or not url.isprintable() or " " in url:
        msg = "has characters that a URL may not have (write an international domain in punycode)"
        raise ValueError(msg)
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError("is not an absolute http or https URL")
    if "?" in url or "#" in url or "@" in parts.netloc:
        raise ValueError("has a query, a fragment or credentials")
    prefix = parts.path.rstrip("/")
    if not PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/")):
        raise ValueError("has a path that is no plain prefix")
    return InstanceURL(origin_of(parts.scheme, parts.netloc), prefix)


def origin_of(scheme: str, netloc: str) -> str:
    """Return `scheme://host[:port]` in a browser's form; ValueError when it has none.

    Lower case, no default port (WHATWG URL, "origin").
    """
    parts = urlsplit(f"{scheme}://{netloc.lower()}")
    host = parts.hostname or ""
    port = parts.port
    if IPV6_HOST.fullmatch(host):
        host = f"[{host}]"
    elif not HOST.fullmatch(host):
        raise ValueError("has no valid host name")
    expected = host if port is None else f"{host}:{port}"
    if parts.netloc not in (expected, f"{expected}:"):
        raise ValueError("has no valid host and port")
    if port is None or port == DEFAULT_PORTS[parts.scheme]:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{port}"


def path_problem(target: str, instance: InstanceURL | None = None) -> str:
    """Return why a path could lead to another place than it seems to, "" when it cannot.

    `target` is a path, with or without a query and a fragment. Metabase, the proxies before it
    and browsers decode and shorten paths, each in its own way: so it must be harmless as it is,
    and however often it is decoded. With `instance`, `target` has to be one of Metabase's pages,
    and not one of its end points. The answer is English, for gettext.
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
            return gettext_noop("It is not UTF-8.")
        if decoded == [path, rest]:
            return ""
        path, rest = decoded
    return gettext_noop("It is encoded too many times.")


def _problem_as_it_is(path: str, rest: str, instance: InstanceURL | None) -> str:
    if "\\" in path + rest or not path.isprintable() or _has_controls(rest):
        return gettext_noop("It has a backslash or a control character.")
    if not path.startswith("/") or path.startswith("//"):
        return gettext_noop("It does not begin with exactly one slash.")
    # Servlet containers cut ;parameters off a segment before they read it. A ? or # in here was
    # encoded, and begins a query or a fragment for whatever decodes first.
    segments = [segment.partition(";")[0].strip().lower() for segment in re.split(r"[/?#]", path)]
    if not {".", ".."}.isdisjoint(segments):
        return gettext_noop("It has a dot segment.")
    if instance is not None and not _is_page(segments, instance.prefix):
        return gettext_noop("It is not one of Metabase's pages.")
    return ""


def _has_controls(text: str) -> bool:
    return not text.isprintable() and any(
        unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in text
    )


def _is_page(segments: Iterable[str], prefix: str) -> bool:
    """Whether they are a page, read below the prefix and, if they begin with it, from there."""
    named = list(filter(None, segments))
    before = list(filter(None, prefix.lower().split("/")))
    while NOT_PAGES.isdisjoint(named[:1]):
        if not before or named[: len(before)] != before:
            return True
        del named[: len(before)]
    return False


def browser_host(scheme: str, netloc: str) -> str:
    """Return a host as browsers write it, to be compared; any other text as it is.

    A `Host` header may have another case, and the port that its scheme has anyway.
    """
    try:
        return origin_of(scheme, netloc).partition("://")[2]
    except ValueError:
        return netloc


LABEL = re.compile(r"[a-z0-9_-]{1,63}")

# Suffixes below which anybody can have a name of their own: a wildcard there is everybody.
SHARED_SUFFIXES = frozenset(
    "amplifyapp.com ap.ngrok.io appspot.com au.ngrok.io azurestaticapps.net bubbleapps.io "
    "cloudfront.net co.id co.il co.in co.jp co.ke co.kr co.nz co.th co.uk co.za com.ar com.au "
    "com.br com.cn com.co com.hk com.mx com.my com.ng com.pl com.sg com.tr com.tw com.ua "
    "com.vn deno.dev eu.ngrok.io firebaseapp.com fly.dev github.io gitlab.io glitch.me "
    "herokuapp.com hf.space in.ngrok.io jp.ngrok.io loca.lt lovable.app me.uk netlify.app "
    "ngrok-free.app ngrok-free.dev ngrok.app ngrok.dev ngrok.io now.sh onrender.com or.jp "
    "org.au org.uk pages.dev railway.app render.com repl.co replit.app replit.dev sa.ngrok.io "
    "streamlit.app supabase.co surge.sh trycloudflare.com up.railway.app us.ngrok.io "
    "vercel.app vercel.dev web.app webflow.io workers.dev".split()
)
# The same at any depth, since regions and the like stand before them.
SHARED_BELOW = frozenset(
    "amazonaws.com azurewebsites.net core.windows.net github.dev run.app".split()
)


class AllowedOrigin(NamedTuple):
    """One entry of `ALLOWED_ORIGINS`; `text` is as it was written."""

    text: str
    scheme: str
    host: str  # without the leading "*." of a wildcard
    port: str  # "" or ":8443"
    wildcard: bool

    @property
    def is_local(self) -> bool:
        """Whether the origin is this machine, where http is as good as https."""
        return self.host in ("localhost", "127.0.0.1", "[::1]") or self.host.endswith(".localhost")

    def matches(self, origin: str) -> bool:
        """Whether a request's `Origin` header is this origin; `*` stands for one DNS label."""
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
    """Return the entry that `text` writes; ValueError says what is wrong with it."""
    scheme, separator, netloc = text.partition("://")
    if scheme not in ("http", "https") or not separator:
        raise ValueError("must begin with https:// or http://")
    wildcard = netloc.startswith("*.")
    netloc = netloc.removeprefix("*.")
    if set(netloc) & set("/?#@"):
        raise ValueError("must be scheme, host and port alone, without a path or a trailing slash")
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
    """Whether an `Origin` header is one of the allowed origins."""
    return any(entry.matches(origin) for entry in allowed)


def site_of(host: str) -> str:
    """Return the part of a host name that decides which cookies travel, roughly.

    Browsers use the public suffix list; here it is the last two labels, three below one of
    those above, and the whole of an address. Good enough for a warning, not for a decision.
    """
    host = _split_port(host.lower())[0]
    labels = host.split(".")
    if host[-1].isdigit() or host.startswith("["):
        return host
    size = 3 if ".".join(labels[-2:]) in SHARED_SUFFIXES | SHARED_BELOW else 2
    return ".".join(labels[-size:])


def _is_shared(host: str) -> bool:
    above = [host[index + 1 :] for index, char in enumerate(host) if char == "."]
    return (
        not above
        or host[-1].isdigit()
        or host in SHARED_SUFFIXES
        or not SHARED_BELOW.isdisjoint([host, *above])
    )


def _split_port(netloc: str) -> tuple[str, str]:
    parts = urlsplit(f"//{netloc}")
    port = "" if parts.port is None else f":{parts.port}"
    return netloc.removesuffix(port), port
