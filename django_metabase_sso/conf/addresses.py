"""The address of a Metabase instance, and the origins whose pages may read a token."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

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
    host = _split_port(host)[0]
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
