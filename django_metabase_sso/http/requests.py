"""Functions that read requests."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest

from django_metabase_sso.conf import addresses
from django_metabase_sso.conf.settings import Conf
from django_metabase_sso.http.return_to import Query, read_query
from django_metabase_sso.signals import logger
from django_metabase_sso.troubleshooting import quoted

# In the address of the frames that the template tags create, before `return_to`.
FRAME_MARK: Final = "frame=1"
# Headers in which proxies and tunnels name the client.
FORWARDING: Final = frozenset(
    "HTTP_FORWARDED HTTP_VIA HTTP_X_FORWARDED_FOR HTTP_X_FORWARDED_HOST HTTP_X_REAL_IP".split()
)
# If a project's callable raises these, Django would respond with a page and a status.
PAGE_EXCEPTIONS = (BadRequest, Http404, PermissionDenied, SuspiciousOperation)
# The present and former headers of browsers that prefetch, and those of Turbo 8 (X-Sec-Purpose),
# instant.page and Safari (X-Purpose), and htmx (HX-Preloaded).
IN_ADVANCE = re.compile("prefetch|prerender|preview|instant", re.IGNORECASE)
PREFETCHES = {
    "HTTP_SEC_PURPOSE": IN_ADVANCE,
    "HTTP_PURPOSE": IN_ADVANCE,
    "HTTP_X_MOZ": IN_ADVANCE,
    "HTTP_X_SEC_PURPOSE": IN_ADVANCE,
    "HTTP_X_PURPOSE": IN_ADVANCE,
    "HTTP_HX_PRELOADED": re.compile("true", re.IGNORECASE),
}


def allowed_origin(request: HttpRequest, conf: Conf) -> str | None:
    """Return the `Origin` if it is in ALLOWED_ORIGINS.

    The request keeps the result for the middleware, which runs after the view.
    """
    origin: str = request.META.get("HTTP_ORIGIN", "")
    judged: tuple[str, bool] | None = getattr(request, "_metabase_sso_origin", None)
    if judged is None or judged[0] != origin:
        judged = (origin, addresses.matches_any(origin, conf.ALLOWED_ORIGINS))
        request._metabase_sso_origin = judged  # type: ignore[attr-defined]  # noqa: SLF001
    return origin if judged[1] else None


def is_origin_allowed(request: HttpRequest, conf: Conf) -> bool:
    """Return whether the `Origin` is missing, of this site, or in ALLOWED_ORIGINS."""
    origin = request.META.get("HTTP_ORIGIN")
    if allowed_origin(request, conf) is not None or origin is None:
        return True
    own = f"{request.scheme}://{own_host(request)}"
    if origin == own:
        return True
    logger.warning(
        "The origin '%s' is not this site's origin (%s), and not in ALLOWED_ORIGINS.",
        quoted(origin),
        own,
        extra={"code": "origin-not-allowed", "user_id": None},
    )
    return False


def own_host(request: HttpRequest) -> str:
    """Return this site's host and port, in the form that browsers use."""
    return addresses.browser_host(request.scheme or "http", request.get_host())


def is_from_this_machine(request: HttpRequest) -> bool:
    """Return whether the browser is on this machine, without a proxy or a tunnel."""
    if not FORWARDING.isdisjoint(request.META):
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
        origin = addresses.parse_origin(f"http://{own_host(request)}")
    except ValueError:  # a Unix socket has no address
        return False
    return address.is_loopback and origin.is_local


def is_prefetch(request: HttpRequest) -> bool:
    """Return whether a browser or a library prefetches a page that the user has not opened."""
    for name, pattern in PREFETCHES.items():
        if name in request.META and pattern.search(request.META[name]):
            return True
    return False


def is_subresource(request: HttpRequest) -> bool:
    """Return whether a page loads the endpoint as an image, a script or an object.

    The page cannot read the response, but it could learn whether the user is signed in.
    """
    return request.META.get("HTTP_SEC_FETCH_MODE") == "no-cors" or (
        request.META.get("HTTP_SEC_FETCH_DEST") in ("embed", "object")
    )


def is_framed(request: HttpRequest, query: str) -> bool:
    """Return whether the response is shown in a frame.

    Browsers send a header on https and on localhost. On plain http, the template tags add a
    parameter. `query` is the query string without `return_to`.
    """
    destination = request.META.get("HTTP_SEC_FETCH_DEST")
    if destination is None:
        return FRAME_MARK in query.split("&")
    return destination in ("iframe", "frame")


def is_fetch(request: HttpRequest) -> bool:
    """Return `wants_json` for a request whose query string has not been read."""
    return wants_json(request, read_query(request.META.get("QUERY_STRING", "")))


def is_scripted_link(request: HttpRequest, query: Query) -> bool:
    """Return whether a script loads a link: htmx has a header, and only links have `return_to`."""
    if query.asks_json:
        return False
    return "HTTP_HX_REQUEST" in request.META or bool(query.values)


def wants_json(request: HttpRequest, query: Query) -> bool:
    """Return whether this is an API request, which gets JSON and never a redirect or HTML."""
    if query.asks_json:
        return True
    mode: str | None = request.META.get("HTTP_SEC_FETCH_MODE")
    if mode is not None:
        return mode != "navigate"
    if "HTTP_ORIGIN" in request.META or "HTTP_AUTHORIZATION" in request.META:
        return True
    return "text/html" not in request.META.get("HTTP_ACCEPT", "")
