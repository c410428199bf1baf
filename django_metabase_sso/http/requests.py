"""What is asked of a request."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest

from django_metabase_sso.conf import addresses, conf
from django_metabase_sso.signals import logger
from django_metabase_sso.troubleshooting import quoted

# In the address of the frames that the template tags make, before `return_to`.
FRAME_MARK: Final = "frame=1"
# What Django answers with a page and a status of its own, when a project's callable raises it.
PAGE_EXCEPTIONS = (BadRequest, Http404, PermissionDenied, SuspiciousOperation)


def is_origin_allowed(request: HttpRequest) -> bool:
    """Whether the request has no `Origin`, or that of this site or one in ALLOWED_ORIGINS."""
    allowed = conf.ALLOWED_ORIGINS
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None or addresses.matches_any(origin, allowed):
        return True
    own = f"{request.scheme}://{own_host(request)}"
    if origin == own:
        return True
    logger.warning(
        "Origin '%s' is neither this site's (%s) nor in ALLOWED_ORIGINS.",
        quoted(origin),
        own,
        extra={"code": "origin-not-allowed", "user_id": None},
    )
    return False


def own_host(request: HttpRequest) -> str:
    """Return this site's host, with its port, as browsers write it."""
    return addresses.browser_host(request.scheme or "http", request.get_host())


def is_prefetch(request: HttpRequest) -> bool:
    """Whether a browser asks in advance, by the present header or one of the two before it."""
    headers = request.META
    purpose = headers.get("HTTP_SEC_PURPOSE") or headers.get("HTTP_PURPOSE")
    return "prefetch" in (purpose or headers.get("HTTP_X_MOZ") or "").lower()


def is_subresource(request: HttpRequest) -> bool:
    """Whether a page shows this as an image, a script or an object, and so can't read it.

    It learns that there was an answer: a page of another site, that somebody is signed in here.
    """
    return request.META.get("HTTP_SEC_FETCH_MODE") == "no-cors" or (
        request.META.get("HTTP_SEC_FETCH_DEST") in ("embed", "object")
    )


def is_framed(request: HttpRequest, query: str) -> bool:
    """Whether the answer is shown in a frame of a page.

    Browsers say so on https and on localhost; on plain http, the template tags do.
    `query` is the query string without `return_to`.
    """
    destination = request.META.get("HTTP_SEC_FETCH_DEST")
    if destination is None:
        return FRAME_MARK in query.split("&")
    return destination in ("iframe", "frame")


def wants_json(request: HttpRequest, query: str) -> bool:
    """Whether the caller is a fetch, which gets JSON and never a redirect or HTML.

    `query` is the query string without `return_to`, whose value may hold anything.
    """
    if "response=json" in query.split("&"):
        return True
    mode: str | None = request.META.get("HTTP_SEC_FETCH_MODE")
    if mode is not None:
        return mode != "navigate"
    if "HTTP_ORIGIN" in request.META or "HTTP_AUTHORIZATION" in request.META:
        return True
    return "text/html" not in request.META.get("HTTP_ACCEPT", "")
