"""`GET /sso/metabase`: reads the request, asks the other modules in their order, answers."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import DisallowedHost, ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import LazyObject
from django.utils.translation import gettext

from django_metabase_sso import access, claims, login, responses, return_to, tokens
from django_metabase_sso.conf import conf
from django_metabase_sso.endpoints import PAGE_EXCEPTIONS, Endpoint, is_origin_allowed
from django_metabase_sso.exceptions import AccessRefused, CallableFailed, InvalidReturnTo
from django_metabase_sso.signals import send_issued, send_refused

__all__ = ["SSOView"]

FRAMES = ("iframe", "frame", "embed", "object")


class SSOView(Endpoint):
    """Signs `request.user` in to Metabase. Subclasses need a `path()` of their own."""

    http_method_names = ("get", "head", "options")
    is_fetch: bool
    query: return_to.Query

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.query = return_to.read_query(request.META.get("QUERY_STRING", ""))
        self.is_fetch = wants_json(request, self.query.outside)
        if (request.method or "").lower() not in self.http_method_names:
            message = gettext("This address takes GET only.")
            response = self.error(405, "method-not-allowed", message)
            response["Allow"] = "GET, HEAD, OPTIONS"
            return response
        if not is_origin_allowed(request):
            return self.origin_not_allowed()
        return super().dispatch(request, *args, **kwargs)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> responses.SSOResponse:
        return responses.empty(200, Allow="GET, HEAD, OPTIONS")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> responses.SSOResponse:
        if is_prefetch(request):
            return responses.empty(503)  # nothing is signed for a page that nobody opened
        try:
            target = (
                "/" if self.is_fetch else return_to.clean(self.query.values, conf.INSTANCE_URL)
            )
        except InvalidReturnTo as invalid:
            message = gettext("The address to go on to in Metabase is not allowed.")
            return self.error(
                400, "invalid-return-to", f"{message} {invalid}", template="invalid_return_to"
            )
        try:
            return self.answer(request, target)
        except AccessRefused as refused:
            refusal = refused  # answered outside: a failing template must not chain to it
        except DisallowedHost:
            raise
        except PAGE_EXCEPTIONS as error:
            raise CallableFailed(f"A callable of METABASE_SSO raised {error!r}.") from error
        send_refused(request.user, request, refusal)
        status = 401 if refusal.code == "invalid-credentials" else 403
        return self.error(status, refusal.code, refusal.message)

    def answer(self, request: HttpRequest, target: str) -> responses.SSOResponse:
        """Return a token for whoever is asking, on the way to `target`; raise AccessRefused."""
        try:
            user = self.authenticate(request)
        except PermissionDenied as denied:
            request.user = AnonymousUser()  # no falling back to the session's user
            message = str(denied) or gettext("The credentials of this request are not valid.")
            raise AccessRefused("invalid-credentials", message) from None
        request.user = user
        if not user.is_authenticated:
            return self.not_authenticated(request)
        if self.is_fetch and is_subresource(request):
            return self.origin_not_allowed()
        if isinstance(user, LazyObject):  # each look through one takes ten times as long
            user = user._wrapped  # noqa: SLF001
        impersonator = access.check_access(user, request)
        payload = tokens.with_times(self.get_claims(user, request))
        token = tokens.sign(payload)
        if self.is_fetch:
            response = responses.token_json(token)
        else:
            response = responses.token_redirect(token, conf.INSTANCE_URL, target, user)
        if request.method == "HEAD":
            return responses.without_token(response, conf.INSTANCE_URL, target)
        send_issued(user, request, payload, impersonator)
        return response

    def authenticate(self, request: HttpRequest) -> Any:
        """Return the user who is asking, AnonymousUser for nobody.

        Raises PermissionDenied for a bad credential, and AccessRefused (`nobody`) when
        AUTHENTICATE turns down somebody who is signed in: the login page would loop.
        """
        callback = conf.AUTHENTICATE
        session_user = getattr(request, "user", None)
        if session_user is None and callback is None:
            raise ImproperlyConfigured(
                "There is no request.user: add AuthenticationMiddleware to MIDDLEWARE, or set"
                " METABASE_SSO['AUTHENTICATE']."
            )
        user = None if callback is None else callback(request)
        if session_user is None:
            session_user = AnonymousUser()
        if user is None:
            return session_user
        if not user.is_authenticated and session_user.is_authenticated:
            message = gettext("You are signed in, but not for this request.")
            raise AccessRefused("nobody", message)
        return user

    def get_claims(self, user: Any, request: HttpRequest) -> claims.Claims:
        """Return the claims for `user`, without the times."""
        return claims.build(user, request)

    def not_authenticated(self, request: HttpRequest) -> responses.SSOResponse:
        """Answer somebody who is not signed in: where to, or why not."""
        message = "not authenticated"  # for programs: the page has words of its own
        if self.is_fetch:
            return self.error(401, "not-authenticated", message)
        if request.META.get("HTTP_SEC_FETCH_DEST") not in FRAMES:
            return responses.login_redirect(login.login_url(request, request.get_full_path()))
        # Login pages refuse to be framed: offer the way there in the top window, and back.
        link = login.login_url(request, login.page_around(request) or request.get_full_path())
        return self.error(401, "not-authenticated", message, template="sign_in", sign_in_url=link)

    def origin_not_allowed(self) -> responses.SSOResponse:
        """Answer a page that may not read a token."""
        message = gettext("This origin may not read a token.")
        return self.error(403, "origin-not-allowed", message)

    def error(
        self, status: int, code: str, message: str, *, template: str = "refused", **context: str
    ) -> responses.SSOResponse:
        """Return an error in the form that the caller can read: JSON, or a page."""
        if self.is_fetch:
            return responses.error_json(status, code, message)
        context["metabase_url"] = f"{conf.INSTANCE_URL}/"
        return responses.error_page(
            self.request, status, code, message, template=template, **context
        )


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
