"""An HTTP proxy for requests to Metabase, if --proxy is used."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Final
from urllib.parse import unquote, urlsplit

from django_metabase_sso.conf.addresses import origin_of

AUTHORIZATION: Final = "Proxy-Authorization"
CREDENTIALS: Final = re.compile(r"[\x21-\x39\x3b-\x7e]+:[\x20-\x7e]*")  # no colon in a username


class Proxy:
    """A proxy's host and port. Its `repr` does not show the password."""

    __slots__ = ("_credentials", "host")

    def __init__(self, host: str, credentials: str = "") -> None:
        self.host = host
        self._credentials = credentials

    def __repr__(self) -> str:
        return f"<Proxy {self.host}>"

    def headers(self) -> dict[str, str]:
        """Return the header for the proxy, which the proxy does not forward."""
        if not self._credentials:
            return {}
        return {AUTHORIZATION: f"Basic {b64encode(self._credentials.encode()).decode()}"}


def parse_proxy(text: str) -> Proxy:
    """Return the proxy at http://user:password@host:port. A ValueError does not contain it."""
    try:
        parts = urlsplit(text)
        credentials, at, netloc = parts.netloc.rpartition("@")
        host = origin_of("http", netloc).partition("://")[2]
    except ValueError:
        at = host = ""
    if not host or parts.scheme != "http" or parts[2:] not in {("", "", ""), ("/", "", "")}:
        raise ValueError("is not the address of a proxy, like http://proxy.example.com:3128")
    credentials = unquote(credentials)
    if at and not CREDENTIALS.fullmatch(credentials):
        raise ValueError("has a username or a password that must be percent-encoded")
    return Proxy(host, credentials)
