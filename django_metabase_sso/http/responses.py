"""Every answer of the package, with the headers that none of them may lack."""

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
    """Return Django's own Cache-Control for what nobody may keep."""
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


# A visitor of a hostile page could be talked into copying a token out of a frame.
NEVER_FRAMED = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}


class SSOResponse(HttpResponse):
    """A response that nobody caches, and whose `repr` shows no token."""

    def __init__(
        self, content: str | bytes = b"", *, status: int = 200, content_type: str, **headers: str
    ) -> None:
        safe = {**SAFE_HEADERS, **headers}
        super().__init__(content, status=status, content_type=content_type, headers=safe)
        self.xframe_options_exempt = True

    @property
    def url(self) -> str:
        """Where a redirect goes."""
        return self["Location"]


def protect(response: HttpResponseBase) -> HttpResponseBase:
    """Add the safe headers to an answer on our paths that somebody else made, or changed."""
    is_new = not isinstance(response, SSOResponse)
    if is_new or response.get("Vary") != SAFE_HEADERS["Vary"]:
        patch_vary_headers(response, ("Cookie", "Origin"))
    for name, value in SAFE_HEADERS.items():
        if name != "Vary" and (is_new or response.get(name) != value):
            response[name] = value
    return response


def token_json(token: Token) -> SSOResponse:
    """Return the answer to a fetch: `{"jwt": "..."}` and nothing else in the object."""
    return _json({"jwt": token})


def token_redirect(grant: Grant, return_to: str) -> SSOResponse:
    """Return the redirect that signs a browser in; AccessRefused when it is too large."""
    url = sign_in_url(return_to, grant.token, grant.conf)
    check_size(url)
    if len(url) > LARGE_REDIRECT:
        logger.warning(
            "The redirect to Metabase for user %s has %s bytes; above %s it is refused.",
            grant.user.pk,
            len(url),
            LARGEST_REDIRECT,
            extra={"code": "large-redirect", "user_id": grant.user.pk},
        )
    return _redirect(url)


def sign_in_url(return_to: str, token: str = "", conf: Conf = conf) -> Token:
    """Return Metabase's address that signs in by `token` and leads on to `return_to`.

    It hides itself in a `repr`, as the token does.
    """
    params = urlencode(conf.REDIRECT_PARAMS)
    return Token(
        f"{conf.INSTANCE_URL}{SIGN_IN}?{params}{'&' if params else ''}"
        f"{f'jwt={token}&' if token else ''}return_to={quote(return_to)}"
    )


def check_size(url: str) -> None:
    """Raise AccessRefused (`token-too-large`) for a redirect that servers may not take."""
    if len(url) > LARGEST_REDIRECT:
        message = gettext(
            "The redirect to Metabase would be %(size)s bytes long, but servers accept at most"
            " %(most)s. Send fewer groups and shorter user attributes."
        )
        sizes = {"size": len(url), "most": LARGEST_REDIRECT}
        raise AccessRefused("token-too-large", message % sizes)


def without_token(response: SSOResponse, return_to: str, conf: Conf) -> SSOResponse:
    """Return the answer to HEAD: the same status and headers, and no token."""
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
    """Return an answer without a body."""
    return SSOResponse(status=status, content_type="text/plain", **headers)


def error_json(status: int, code: str, message: str) -> SSOResponse:
    """Return an error for a program, in one shape for all."""
    return _json({"status": "error", "code": code, "message": message}, status)


def error_page(
    request: HttpRequest, conf: Conf, status: int, template: str, **context: str
) -> SSOResponse:
    """Return an error for a person. This site and ALLOWED_ORIGINS may show it in a frame."""
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
    """Return what a fetch gets in place of a redirect by a middleware, with its cookies.

    The page could read neither the redirect nor the login page behind it.
    """
    where = urlsplit(redirect["Location"])
    logger.warning(
        "A middleware redirected a request for a token to '%s': the fetch got a 401. Where users"
        " should not have to sign in again, exempt the endpoint's path from that middleware.",
        quoted(f"{where.netloc}{where.path}"),
        extra={"code": "interrupted", "user_id": None},
    )
    message = "This site redirected the request: the user may have to sign in again."
    response = error_json(401, "interrupted", message)
    response.cookies = redirect.cookies
    return response


def navigate(path: str) -> SSOResponse:
    """Return what a script gets that loads a link to Metabase: the browser has to go there."""
    message = "This link leads to another site: the browser has to open it, not a script."
    response = error_json(409, "navigate", message)
    response["HX-Redirect"] = path
    return response


def _json(data: dict[str, str], status: int = 200) -> SSOResponse:
    return SSOResponse(
        json.dumps(data), status=status, content_type="application/json", **NEVER_FRAMED
    )


def _redirect(location: str) -> SSOResponse:
    # A header is exactly str: wsgiref, and runserver with it, refuse a subclass such as Token.
    return SSOResponse(status=302, content_type="text/html; charset=utf-8", Location=str(location))
