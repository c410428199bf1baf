"""CORS on this package's paths alone; django-cors-headers does the work below it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve

from django_metabase_sso.conf import addresses, conf
from django_metabase_sso.exceptions import BadSetting
from django_metabase_sso.http import responses

__all__ = ["SSOCorsMiddleware"]

ALLOW_ORIGIN = "Access-Control-Allow-Origin"
ALLOW_CREDENTIALS = "Access-Control-Allow-Credentials"


class SSOCorsMiddleware:
    """Goes directly above `corsheaders.middleware.CorsMiddleware`, sync or async.

    On our paths an origin in ALLOWED_ORIGINS gets the two headers that a request with credentials
    needs, whatever the status; any other origin gets neither, whatever the project's own CORS
    settings say. Other paths are not touched, and neither is the database.
    """

    sync_capable = True
    async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
    ) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        origin = _allowed_origin(request)
        request._metabase_sso_origin = origin  # type: ignore[attr-defined]  # noqa: SLF001
        if iscoroutinefunction(self):
            return self._call_async(request, origin)
        return _finish(request, self.get_response(request), origin)

    async def _call_async(self, request: HttpRequest, origin: str | None) -> HttpResponseBase:
        response: Any = self.get_response(request)
        return _finish(request, await response, origin)


def enable_cors(sender: object, request: HttpRequest, **kwargs: object) -> bool:
    """Receive django-cors-headers' `check_request_enabled`: an allowed origin on our paths."""
    return getattr(request, "_metabase_sso_origin", None) is not None


def _allowed_origin(request: HttpRequest) -> str | None:
    """Return the `Origin` when it is in ALLOWED_ORIGINS and the path is ours."""
    origin = request.META.get("HTTP_ORIGIN")
    if not origin or not _is_ours(request):
        return None
    try:
        return origin if addresses.matches_any(origin, conf.ALLOWED_ORIGINS) else None
    except BadSetting:  # the view raises it, once
        return None


def _is_ours(request: HttpRequest) -> bool:
    match: ResolverMatch | None = request.resolver_match
    if match is None:
        try:
            match = resolve(request.path_info, getattr(request, "urlconf", None))
        except Resolver404:
            return False
    return getattr(match.func, "metabase_sso", False)


def _finish(request: HttpRequest, response: Any, origin: str | None) -> HttpResponseBase:
    # Without an Origin the URL is not resolved here: a 500 of ours has been resolved by then.
    # OPTIONS is resolved, as django-cors-headers answers a preflight that lacks its Origin, too.
    is_resolved = request.META.get("HTTP_ORIGIN") or request.resolver_match
    if not (is_resolved or request.method == "OPTIONS") or not _is_ours(request):
        return response  # type: ignore[no-any-return]
    if origin is None:
        del response[ALLOW_ORIGIN], response[ALLOW_CREDENTIALS]
    else:
        response[ALLOW_ORIGIN] = origin
        response[ALLOW_CREDENTIALS] = "true"
    return responses.protect(response)
