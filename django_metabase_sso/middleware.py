"""CORS for the paths of this package only, and responses that scripts can read.

It works together with django-cors-headers, which stands below it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve
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

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
    ) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        request._metabase_sso_ours = {}  # type: ignore[attr-defined]  # noqa: SLF001
        if self.is_async:
            return self._call_async(request)
        return _finish(request, self.get_response(request))

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        response: Any = self.get_response(request)
        return _finish(request, await response)


def enable_cors(sender: object, request: HttpRequest, **kwargs: object) -> bool:
    """Allow CORS for allowed origins on the paths of this package.

    Receiver of django-cors-headers' `check_request_enabled`. Without SSOCorsMiddleware, only the
    project's own CORS settings count.
    """
    is_covered = hasattr(request, "_metabase_sso_ours")
    return is_covered and _is_ours(request) and _allowed_origin(request) is not None


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
        if response.get(ALLOW_ORIGIN) != origin:
            response[ALLOW_ORIGIN] = origin
        response[ALLOW_CREDENTIALS] = "true"
    return responses.protect(response)


def _allowed_origin(request: HttpRequest) -> str | None:
    """Return the `Origin` if it is in ALLOWED_ORIGINS."""
    try:
        return allowed_origin(request, conf)
    except BadSetting:  # the view raises it, once
        return None


def _is_ours(request: HttpRequest) -> bool:
    """Return whether the path leads to a view of this package.

    The result is kept on the request, unless a middleware changes the path.
    """
    match: ResolverMatch | None = request.resolver_match
    if match is not None:
        return kind_of(match.func) is not None
    found: dict[object, bool] = request._metabase_sso_ours  # type: ignore[attr-defined]  # noqa: SLF001
    asked = (request.path_info, getattr(request, "urlconf", None))
    if asked not in found:
        found[asked] = _leads_to_us(*asked)
    return found[asked]


def _leads_to_us(path: str, urlconf: Any) -> bool:
    """Resolve the path in the language of its prefix, as LocaleMiddleware does.

    This middleware runs before that one, when the thread has the language of its last request.
    """
    has_prefixes, _ = is_language_prefix_patterns_used(urlconf or settings.ROOT_URLCONF)
    language = get_language_from_path(path) if has_prefixes else None
    with override(language or settings.LANGUAGE_CODE):
        try:
            match = resolve(path, urlconf)
        except Resolver404:
            return False
    return kind_of(match.func) is not None


def _leads_to_https(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return whether a redirect leads to the same address with https. Browsers may follow it."""
    if request.is_secure():
        return False
    target = urlsplit(response["Location"])
    host = addresses.browser_host("https", target.netloc)
    own = addresses.browser_host("https", request.get_host())
    path = target._replace(scheme="", netloc="", fragment="").geturl()
    return target.scheme == "https" and host == own and path == request.get_full_path()
