"""An HTTP proxy for requests to Metabase, if --proxy is used."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from django_metabase_sso.conf.addresses import origin_of

CREDENTIALS: Final = re.compile(r"[\x21-\x39\x3b-\x7e]+:[\x20-\x7e]*")  # no colon in a username


@dataclass(frozen=True)
class Proxy:
    """A proxy's host and port, and the headers that only the proxy gets, with the password."""

    host: str
    headers: Mapping[str, str] = field(repr=False)


def parse_proxy(text: str) -> Proxy:
    """Return the proxy at http://user:password@host:port. No error contains the password."""
    try:
        parts = urlsplit(text)
        credentials, at, netloc = parts.netloc.rpartition("@")
        host = origin_of("http", netloc).partition("://")[2]
    except ValueError:
        at = host = ""
    if not host or parts.scheme != "http" or parts[2:] not in {("", "", ""), ("/", "", "")}:
        text = "the value is not the address of a proxy, like http://proxy.example.com:3128"
        raise ArgumentTypeError(text)
    credentials = unquote(credentials)
    if at and not CREDENTIALS.fullmatch(credentials):
        text = "the value has a username or a password that must be percent-encoded"
        raise ArgumentTypeError(text)
    basic = f"Basic {b64encode(credentials.encode()).decode()}"
    return Proxy(host, {"Proxy-Authorization": basic} if at else {})
