"""The address of a Metabase instance."""

from __future__ import annotations

import re
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
def parse(url: str) -> InstanceURL:
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
