"""Metabase's two lists of origins: for CORS, and for pages that show it in a frame."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from example_project.standin.configuration import Configuration
from example_project.standin.state import instance

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
SSO = "/auth/sso"
PATHS = ("/api/", "/auth/")
ENTRY = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[^\]]*\]|[^:/\[]+)(?::(?P<port>\d+|\*))?/?"
)
EXPOSE_HEADERS = "X-Metabase-Anti-CSRF-Token, X-Metabase-Version"


def is_allowed(origin: str, configuration: Configuration) -> bool:
    """Return whether scripts of this origin may call Metabase.

    Loopback origins always may, unless `disable-cors-on-localhost` is on.
    """
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if (
        origin != f"{parts.scheme}://{parts.netloc}"
        or "@" in origin
        or parts.scheme not in {"http", "https"}
    ):
        return False
    if host in LOOPBACK and not configuration["disable-cors-on-localhost"]:
        return True
    entries = configuration["embedding-app-origins-sdk"].split()
    return any(_matches(entry, parts.scheme, host, port) for entry in entries)


def _matches(entry: str, scheme: str, host: str, port: int | None) -> bool:
    """Return whether an entry such as `https://*.example.com:*` matches an origin.

    `*.` matches any number of labels. An entry without a scheme matches any scheme; an entry
    without a port matches only origins without a port.
    """
    found = ENTRY.fullmatch(entry.lower())
    if found is None or found["scheme"] not in {None, scheme}:
        return False
    if found["port"] != "*" and found["port"] != (None if port is None else str(port)):
        return False
    name = found["host"]
    return host == name or (name.startswith("*.") and host.endswith(name[1:]))


def frame_ancestors() -> str:
    """Return the directive for full-app embedding, which does not contain `'self'`."""
    configuration = instance.configuration
    origins = configuration["embedding-app-origins-interactive"]
    is_on = configuration["enable-embedding-interactive"]
    return "frame-ancestors " + (origins if is_on and origins else "'none'")


class CorsMiddleware:
    """Answers preflights and adds CORS headers on the paths that SDKs call.

    Credentials are not allowed: the SDK sends its session in a header, not in a cookie.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PATHS):
            return self.get_response(request)
        origin = request.headers.get("Origin")
        asked = request.headers.get("Access-Control-Request-Method")
        is_preflight = request.method == "OPTIONS" and bool(origin and asked)
        response = HttpResponse() if is_preflight else self.get_response(request)
        patch_vary_headers(response, ["Origin"])
        if request.path == SSO and (is_preflight or response.status_code in {400, 402}):
            response["Access-Control-Allow-Origin"] = "*"  # any origin
            response["Access-Control-Allow-Headers"] = "*"
        if origin and is_allowed(origin, instance.configuration):
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Expose-Headers"] = EXPOSE_HEADERS
            if is_preflight:
                response["Access-Control-Allow-Headers"] = "*"
                response["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE"
                response["Access-Control-Max-Age"] = "60"
        return response
