"""Requests to this project, through all of its middleware, without a network."""

from __future__ import annotations

import logging
from io import BytesIO
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http.response import HttpResponseBase
from django.urls import get_script_prefix

from django_metabase_sso.doctor.provider import allowed_hosts, own_path


class Address(NamedTuple):
    """Where browsers find the view."""

    scheme: str
    host: str
    path: str

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}"


def address_of(provider: str | None) -> Address | None:
    """Return where the Identity Provider URI is, else the best guess; None without a path."""
    if provider:
        parts = urlsplit(provider)
        return Address(parts.scheme, parts.netloc.lower(), parts.path)
    path = own_path()
    if path is None:
        return None
    host = next((host.lstrip(".") for host in allowed_hosts() if host != "*"), "localhost")
    secure = settings.SESSION_COOKIE_SECURE or settings.SECURE_SSL_REDIRECT
    return Address("https" if secure else "http", host, path)


def ask(address: Address, method: str, **headers: str) -> HttpResponseBase:
    """Return the answer of Django's handler to somebody without a cookie and a token.

    `headers` have underscores. No signal of a request's end is sent: database connections stay.
    """
    handler = BaseHandler()
    handler.load_middleware()
    prefix = get_script_prefix().rstrip("/")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": prefix,
        "PATH_INFO": address.path.removeprefix(prefix),
        "QUERY_STRING": "response=json",
        "SERVER_NAME": address.host,
        "SERVER_PORT": "443" if address.scheme == "https" else "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": address.host,
        "HTTP_ACCEPT": "*/*",
        "wsgi.url_scheme": address.scheme,
        "wsgi.input": BytesIO(),
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }
    logger = logging.getLogger("django.request")  # it would call our 401 a finding of its own
    was_disabled, logger.disabled = logger.disabled, True
    try:
        return handler.get_response(WSGIRequest(environ))
    finally:
        logger.disabled = was_disabled
