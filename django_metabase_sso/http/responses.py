"""The responses of this package. All of them have the headers that keep tokens safe."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode, urlsplit

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.utils.translation import gettext

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import LARGE_REDIRECT, LARGEST_REDIRECT, SIGN_IN
from django_metabase_sso.conf.settings import Conf
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.signals import logger
from django_metabase_sso.tokens import Grant, Token
from django_metabase_sso.troubleshooting import quoted


def _never_cached() -> str:
    """Return Django's Cache-Control header for responses that must not be cached."""
    response = HttpResponse(content_type="text/plain")
    add_never_cache_headers(response)
    return response["Cache-Control"]


SAFE_HEADERS = {
    "Cache-Control": _never_cached(),
    "Vary": "Cookie, Origin",
    "Expires": "0",  # in the past, by RFC 9111, section 5.3
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


# A hostile page could show a token in a frame and trick the user into copying it.
NEVER_FRAMED = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}


class SSOResponse(HttpResponse):
    """A response that must not be cached, and whose `repr` does not show a token."""

    def __init__(
        self, content: str | bytes = b"", *, status: int = 200, content_type: str, **headers: str
    ) -> None:
        safe = {**SAFE_HEADERS, **headers}
        super().__init__(content, status=status, content_type=content_type, headers=safe)
        self.xframe_options_exempt = True

    @property
    def url(self) -> str:
        """The target of a redirect."""
        return self["Location"]


def protect(response: HttpResponseBase) -> HttpResponseBase:
    """Add the safe headers to a response of another view or middleware on this package's paths."""
    is_new = not isinstance(response, SSOResponse)
    if is_new or response.get("Vary") != SAFE_HEADERS["Vary"]:
        patch_vary_headers(response, ("Cookie", "Origin"))
    for name, value in SAFE_HEADERS.items():
        if name != "Vary" and (is_new or response.get(name) != value):
            response[name] = value
    return response


def keep_private(request: HttpRequest) -> None:
    """Keep the response to `request` out of Django's caches, because it contains a token.

    Marking the session as accessed makes the response vary on the cookie. `cache_page` around a
    view stores the response before that header is set, so it is switched off.
    """
    request = getattr(request, "_request", request)  # Django's own, inside REST framework's
    request._cache_update_cache = False  # type: ignore[union-attr]  # noqa: SLF001
    session = getattr(request, "session", None)
    if session is not None:
        session.accessed = True


def token_json(token: Token) -> SSOResponse:
    """Return the response to an API request: an object that has only the key `jwt`."""
    return _json({"jwt": token})


def token_redirect(grant: Grant, return_to: str) -> SSOResponse:
    """Return the redirect that signs a browser in. Raises AccessRefused if it is too large."""
    url = sign_in_url(return_to, grant.token, grant.conf)
    check_size(url)
    if len(url) > LARGE_REDIRECT:
        logger.warning(
            "The redirect to Metabase for user %s has %s bytes. Redirects of more than %s bytes"
            " are refused.",
            grant.user.pk,
            len(url),
            LARGEST_REDIRECT,
            extra={"code": "large-redirect", "user_id": grant.user.pk},
        )
    return _redirect(url)


def sign_in_url(return_to: str, token: str = "", conf: Conf = conf) -> Token:
    """Return Metabase's address that signs in with `token` and then opens `return_to`.

    Like the token, it is hidden in a `repr`.
    """
    params = urlencode(conf.REDIRECT_PARAMS)
    return Token(
        f"{conf.INSTANCE_URL}{SIGN_IN}?{params}{'&' if params else ''}"
        f"{f'jwt={token}&' if token else ''}return_to={quote(return_to)}"
    )


def check_size(url: str) -> None:
    """Raise AccessRefused (`token-too-large`) for a redirect that servers might refuse."""
    if len(url) > LARGEST_REDIRECT:
        message = gettext(
            "The redirect to Metabase would be %(size)s bytes long, but servers accept at most"
            " %(most)s. Send fewer groups and shorter user attributes."
        )
        sizes = {"size": len(url), "most": LARGEST_REDIRECT}
        raise AccessRefused("token-too-large", message % sizes)


def without_token(response: SSOResponse, return_to: str, conf: Conf) -> SSOResponse:
    """Return the response to HEAD: the same status and headers, without a token."""
    if "Location" in response:
        response["Location"] = sign_in_url(return_to, conf=conf)
    else:
        response["Content-Length"] = str(len(response.content))
        response.content = b""
    return response


def login_redirect(url: str) -> SSOResponse:
    """Return the redirect to the login page."""
    return _redirect(url)


def empty(status: int, **headers: str) -> SSOResponse:
    """Return a response without a body."""
    return SSOResponse(status=status, content_type="text/plain", **headers)


def error_json(status: int, code: str, message: str) -> SSOResponse:
    """Return an error as JSON. All errors have the same keys."""
    return _json({"status": "error", "code": code, "message": message}, status)


def error_page(
    request: HttpRequest, conf: Conf, status: int, template: str, **context: str
) -> SSOResponse:
    """Return an error as a page, which this site and ALLOWED_ORIGINS may show in a frame."""
    content = render_to_string(
        f"django_metabase_sso/{template}.html",
        {"status": status, "metabase_url": f"{conf.INSTANCE_URL}/", **context},
        request,
    )
    ancestors = " ".join(["'self'", *(entry.text for entry in conf.ALLOWED_ORIGINS)])
    response = SSOResponse(content, status=status, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = f"frame-ancestors {ancestors}"
    return response


def interrupted(redirect: HttpResponseBase) -> SSOResponse:
    """Return the response to an API request that a middleware redirected, with its cookies.

    A script cannot read the redirect, nor the login page that it leads to.
    """
    where = urlsplit(redirect["Location"])
    logger.warning(
        "A middleware redirected an API request for a token to '%s', and the response is a 401."
        " If users should not have to sign in again, exempt the endpoint's path from that"
        " middleware.",
        quoted(f"{where.netloc}{where.path}"),
        extra={"code": "interrupted", "user_id": None},
    )
    message = "This site redirected the request. The user may have to sign in again."
    response = error_json(401, "interrupted", message)
    response.cookies = redirect.cookies
    return response


def navigate(path: str) -> SSOResponse:
    """Return the response to a script that loads a link, which the browser has to open."""
    message = "This link leads to another site. The browser has to open it, not a script."
    response = error_json(409, "navigate", message)
    response["HX-Redirect"] = path
    return response


def _json(data: dict[str, str], status: int = 200) -> SSOResponse:
    return SSOResponse(
        json.dumps(data).encode(), status=status, content_type="application/json", **NEVER_FRAMED
    )


def _redirect(location: str) -> SSOResponse:
    # Headers must be exactly str: wsgiref and runserver refuse subclasses such as Token.
    return SSOResponse(status=302, content_type="text/html; charset=utf-8", Location=str(location))
