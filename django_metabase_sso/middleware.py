"""CORS for the paths of this package only, and responses that scripts can read.

It works together with django-cors-headers, which stands below it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from corsheaders.conf import conf as cors
from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, URLResolver, get_resolver
from django.utils.translation import get_language_from_path, override

from django_metabase_sso.conf import addresses, conf
from django_metabase_sso.exceptions import BadSetting
from django_metabase_sso.http import responses
from django_metabase_sso.http.endpoints import kind_of
from django_metabase_sso.http.requests import allowed_origin, is_fetch
from django_metabase_sso.http.responses import SSOResponse

__all__ = ["SSOCorsMiddleware"]

ALLOW_ORIGIN = "Access-Control-Allow-Origin"
ALLOW_CREDENTIALS = "Access-Control-Allow-Credentials"
REQUEST_METHOD = "HTTP_ACCESS_CONTROL_REQUEST_METHOD"
REQUEST_PRIVATE_NETWORK = "HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK"
EXPOSE_HEADERS = "Access-Control-Expose-Headers"
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class SSOCorsMiddleware:
    """Belongs directly above `corsheaders.middleware.CorsMiddleware`. Works in sync and async.

    On the paths of this package, an origin in ALLOWED_ORIGINS gets the two headers that a request
    with credentials needs, with every status. Other origins do not get them, whatever the
    project's own CORS settings are. If a middleware below redirects an API request, for example to
    a login page, the response is a 401 that the script can read. Other paths are not changed, and
    the database is not used.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.preflights = Preflights(get_response)
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        request._metabase_sso_cors = True  # type: ignore[attr-defined]  # noqa: SLF001 - for Endpoint
        if self.is_async:
            return self._call_async(request)
        return self._preflight(request) or _finish(request, self.get_response(request))

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        return self._preflight(request) or _finish(request, await self.get_response(request))

    def _preflight(self, request: HttpRequest) -> HttpResponseBase | None:
        """Return the response to a preflight from an allowed origin, or None."""
        if request.method != "OPTIONS" or REQUEST_METHOD not in request.META:
            return None
        origin = _allowed_origin(request)
        if origin is None or not _is_ours(request):
            return None
        return HttpResponse(headers={**self.preflights.headers(request), ALLOW_ORIGIN: origin})


class Preflights(CorsMiddleware):
    """django-cors-headers, for preflights of this package's paths from allowed origins."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)
        self.kept: dict[bool, dict[str, str]] = {}

    def headers(self, request: HttpRequest) -> dict[str, str]:
        """Return the headers of the response.

        They depend on the settings, and on whether the browser asks to enter a private network.
        The first ones are kept, because the settings do not change while a process runs.
        """
        is_private = request.META.get(REQUEST_PRIVATE_NETWORK) == "true"
        if is_private not in self.kept:
            headers = self.add_response_headers(request, HttpResponse()).headers
            own = {**responses.SAFE_HEADERS, "Content-Length": "0", ALLOW_CREDENTIALS: "true"}
            self.kept[is_private] = {**headers, **own}
        return self.kept[is_private]

    def is_enabled(self, request: HttpRequest) -> bool:
        return True

    def origin_found_in_white_lists(self, origin: str, url: SplitResult) -> bool:
        return True


def _finish(request: HttpRequest, response: Any) -> HttpResponseBase:
    """Add the headers to responses on this package's paths.

    The path is resolved after the response, because a middleware below may set `request.urlconf`.
    Without an Origin, it is resolved only for redirects and for OPTIONS, which django-cors-headers
    treats as a preflight even without an Origin.
    """
    is_redirect = response.status_code in REDIRECTS and not isinstance(response, SSOResponse)
    is_known = request.resolver_match or "HTTP_ORIGIN" in request.META
    if not (is_known or is_redirect or request.method == "OPTIONS") or not _is_ours(request):
        return response  # type: ignore[no-any-return]
    if is_redirect and is_fetch(request) and not _leads_to_https(request, response):
        response = responses.interrupted(response)
    origin = _allowed_origin(request)
    if origin is None:
        del response[ALLOW_ORIGIN], response[ALLOW_CREDENTIALS]
    else:
        response[ALLOW_ORIGIN] = origin
        response[ALLOW_CREDENTIALS] = "true"
        if cors.CORS_EXPOSE_HEADERS:
            response[EXPOSE_HEADERS] = ", ".join(cors.CORS_EXPOSE_HEADERS)
    return responses.protect(response)


def _allowed_origin(request: HttpRequest) -> str | None:
    """Return the `Origin` if it is in ALLOWED_ORIGINS."""
    try:
        return allowed_origin(request, conf)
    except BadSetting:  # the view raises it, once
        return None


def _is_ours(request: HttpRequest) -> bool:
    """Return whether the path leads to a view of this package.

    A middleware below that sets the language runs after this one, so the language is that of the
    path's prefix.
    """
    if request.resolver_match is not None:
        return kind_of(request.resolver_match.func) is not None
    urlconf = getattr(request, "urlconf", None) or settings.ROOT_URLCONF
    has_prefixes, _ = is_language_prefix_patterns_used(urlconf)
    language = get_language_from_path(request.path_info) if has_prefixes else None
    try:
        _resolve(get_resolver(urlconf), request.path_info, language or settings.LANGUAGE_CODE)
    except Resolver404:
        return False
    return True


@lru_cache(maxsize=64)
def _resolve(resolver: URLResolver, path: str, language: str) -> None:
    """Raise Resolver404 unless the path leads to a view of this package.

    Only paths of this package are cached: exceptions are not.
    """
    with override(language):
        match = resolver.resolve(path)
    if kind_of(match.func) is None:
        raise Resolver404(path)


def _leads_to_https(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return whether a redirect leads to the same address with https. Browsers may follow it."""
    if request.is_secure():
        return False
    target = urlsplit(response["Location"])
    host = addresses.browser_host("https", target.netloc)
    own = addresses.browser_host("https", request.get_host())
    path = target._replace(scheme="", netloc="", fragment="").geturl()
    return target.scheme == "https" and host == own and path == request.get_full_path()
