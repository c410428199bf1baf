"""The views: `GET /sso/metabase`, and `POST /sso/metabase/guest-token` for guest embeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import DisallowedHost, ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.functional import LazyObject, Promise
from django.utils.translation import gettext, gettext_lazy

from django_metabase_sso import claims, tokens
from django_metabase_sso.exceptions import (
    AccessRefused,
    CallableFailed,
    InvalidGuestRequest,
    InvalidReturnTo,
)
from django_metabase_sso.http import login, responses
from django_metabase_sso.http.endpoints import Endpoint, Kind
from django_metabase_sso.http.guest_body import GuestRequest, read_body
from django_metabase_sso.http.requests import (
    PAGE_EXCEPTIONS,
    is_framed,
    is_origin_allowed,
    is_prefetch,
    is_scripted_link,
    is_subresource,
    wants_json,
)
from django_metabase_sso.http.return_to import Query, clean_return_to, read_query
from django_metabase_sso.signals import logger, send_refused
from django_metabase_sso.tokens import guest_token_for
from django_metabase_sso.troubleshooting import quoted

__all__ = ["GuestTokenView", "SSOView"]


class SSOView(Endpoint):
    """Signs `request.user` in to Metabase. A subclass needs its own `path()`."""

    kind: ClassVar[Kind] = "sso"
    http_method_names = ("get", "head", "options")
    is_fetch: bool
    query: Query

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.query = read_query(request.META.get("QUERY_STRING", ""))
        self.is_fetch = wants_json(request, self.query)
        if (request.method or "").lower() not in self.http_method_names:
            message = gettext("This address accepts only GET requests.")
            response = self.error(405, "method-not-allowed", message)
            response["Allow"] = "GET, HEAD, OPTIONS"
            return response
        if is_subresource(request) or not is_origin_allowed(request, self.conf):
            message = gettext("This origin is not allowed to read a token.")
            return self.error(403, "origin-not-allowed", message)
        return super().dispatch(request, *args, **kwargs)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> responses.SSOResponse:
        return responses.empty(200, Allow="GET, HEAD, OPTIONS")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> responses.SSOResponse:
        if is_prefetch(request):
            return responses.empty(503)  # do not sign a token for a page that is not opened yet
        if self.is_fetch and is_scripted_link(request, self.query):
            return responses.navigate(request.get_full_path())
        refusal: AccessRefused | InvalidReturnTo | None = None
        try:
            response = self.answer(request)
            if response is not None:
                return response
        except (AccessRefused, InvalidReturnTo) as refused:
            # The response is built outside of this block, so that an exception in a template is
            # not chained to the refusal. A traceback would keep this frame, and with it the
            # request, until the garbage collector runs.
            refusal = refused.with_traceback(None)
        except DisallowedHost:
            raise
        except PAGE_EXCEPTIONS as error:
            raise CallableFailed(f"A callable of METABASE_SSO raised {error!r}.") from error
        if refusal is None:
            return self.not_authenticated(request)
        return self.refuse(request, refusal)

    def head(self, request: HttpRequest, *args: Any, **kwargs: Any) -> responses.SSOResponse:
        # Django would set `self.head = self.get`, a reference cycle that keeps the view alive.
        return self.get(request, *args, **kwargs)

    def answer(self, request: HttpRequest) -> responses.SSOResponse | None:
        """Return the response with a token, or None for an anonymous user.

        Raises AccessRefused and InvalidReturnTo.
        """
        if self.is_fetch:
            target = "/"
        else:
            target = clean_return_to(self.query.values, self.conf.INSTANCE_URL)
        user = self.user(request)
        if user is None:
            return None
        grant = self.grant(user, request)
        if self.is_fetch:
            response = responses.token_json(grant.token)
        else:
            response = responses.token_redirect(grant, target)
        if request.method == "HEAD":
            return responses.without_token(response, target, self.conf)
        grant.announce()
        return response

    def grant(self, user: Any, request: HttpRequest) -> tokens.Grant:
        """Return the grant of a user. Raises AccessRefused."""
        return tokens.grant_for(user, request, self.get_claims, self.conf)

    def user(self, request: HttpRequest) -> Any:
        """Return the result of `authenticate`, or None for an anonymous user.

        It becomes `request.user`. Raises AccessRefused, also for an invalid credential.
        """
        try:
            user = request.user = self.authenticate(request)
        except PermissionDenied as denied:
            request.user = AnonymousUser()  # do not fall back to the session's user
            message = str(denied) or gettext("The credentials of this request are not valid.")
            raise AccessRefused("invalid-credentials", message) from None
        if not user.is_authenticated:
            return None
        if isinstance(user, LazyObject):
            user = user._wrapped  # noqa: SLF001 - the proxy takes 3% of the time of a request
        return user

    def authenticate(self, request: HttpRequest) -> Any:
        """Return the request's user, who may be an AnonymousUser.

        Raises PermissionDenied for an invalid credential, AccessRefused (`nobody`) if AUTHENTICATE
        refuses a user who is signed in (the login page would redirect in a loop), and
        ImproperlyConfigured if it does not return a user.
        """
        callback = self.conf.AUTHENTICATE
        session_user = getattr(request, "user", None)
        if session_user is None and callback is None:
            raise ImproperlyConfigured(
                "request.user is missing: add AuthenticationMiddleware to MIDDLEWARE, or set"
                " METABASE_SSO['AUTHENTICATE']."
            )
        user = None if callback is None else callback(request)
        if session_user is None:
            session_user = AnonymousUser()
        if user is None:
            return session_user
        if not hasattr(user, "is_authenticated"):
            kind = type(user).__name__  # the value itself could be a credential
            raise ImproperlyConfigured(
                f"METABASE_SSO['AUTHENTICATE'] returned {kind}. It must return a user,"
                " AnonymousUser() or None."
            )
        if not user.is_authenticated and session_user.is_authenticated:
            message = gettext(
                "You are signed in, but this site does not accept your sign-in for Metabase."
            )
            raise AccessRefused("nobody", message)
        return user

    def get_claims(self, user: Any, request: HttpRequest) -> claims.Claims:
        """Return the claims for `user`, without the times."""
        return claims.build(user, request, self.conf)

    def refuse(
        self, request: HttpRequest, refusal: AccessRefused | InvalidReturnTo
    ) -> responses.SSOResponse:
        """Return the response that says why the user does not get a token."""
        if isinstance(refusal, InvalidReturnTo):
            message = gettext("This link leads to an address in Metabase that is not allowed.")
            return self.error(
                400, "invalid-return-to", f"{message} {refusal}", template="invalid_return_to"
            )
        if refusal.code == "not-authenticated":  # raised by a callable of the project
            return self.not_authenticated(request)
        send_refused(request.user, request, refusal)
        status = 401 if refusal.code == "invalid-credentials" else 403
        return self.error(status, refusal.code, refusal.message)

    def not_authenticated(self, request: HttpRequest) -> responses.SSOResponse:
        """Return the response to an anonymous user."""
        message = "not authenticated"  # for API requests: the page has its own text
        if self.is_fetch:
            return self.error(401, "not-authenticated", message)
        if not is_framed(request, self.query.outside):
            link = login.login_url(request, request.get_full_path(), self.conf)
            return responses.login_redirect(link)
        # Login pages refuse frames, so the link opens in the top window and leads back.
        back = login.page_around(request) or request.get_full_path()
        link = login.login_url(request, back, self.conf)
        return self.error(401, "not-authenticated", message, template="sign_in", sign_in_url=link)

    def error(
        self, status: int, code: str, message: str, *, template: str = "refused", **context: str
    ) -> responses.SSOResponse:
        """Return an error as JSON or as a page, whichever the caller can read."""
        if self.is_fetch:
            return responses.error_json(status, code, message)
        return responses.error_page(
            self.request, self.conf, status, template, code=code, message=message, **context
        )


METHODS = "POST, OPTIONS"
# These messages are for users. The others are for developers.
REFUSED = {
    "dashboard": gettext_lazy("You are not allowed to see this dashboard."),
    "question": gettext_lazy("You are not allowed to see this question."),
}


class GuestTokenView(Endpoint):
    """Signs a guest token if GUEST_PARAMS allows this item for this user.

    Metabase's embed does not send a CSRF token, so the view checks the `Origin` and the content
    type. The embed does not show this view's errors (metabase/metabase#82889), so they are logged.
    """

    kind: ClassVar[Kind] = "guest_token"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return responses.empty(200, Allow=METHODS)
        if request.method != "POST":
            response = self.refuse(
                405, "method-not-allowed", "This address accepts only POST requests."
            )
            response["Allow"] = METHODS
            return response
        if "HTTP_ORIGIN" not in request.META or not is_origin_allowed(request, self.conf):
            return self.refuse(
                403, "origin-not-allowed", "This origin is not allowed to request a token."
            )
        if request.content_type != "application/json":
            message = "This address accepts only application/json."
            return self.refuse(415, "unsupported-media-type", message)
        try:
            asked = read_body(request, self.conf)
        except InvalidGuestRequest as invalid:
            return self.refuse(400, invalid.code, invalid.message)
        return self.answer(request, asked)

    def answer(self, request: HttpRequest, asked: GuestRequest) -> responses.SSOResponse:
        """Return the response with a token, or the refusal of GUEST_PARAMS."""
        callback = self.conf.GUEST_PARAMS
        if callback is None:
            message = "METABASE_SSO['GUEST_PARAMS'] is not set, so no guest token is signed."
            return self.refuse(403, "guest-params-not-set", message, asked)
        reason = ""
        try:
            params = params_for(request, asked, callback)
        except PermissionDenied as denied:
            params, reason = None, str(denied)
        if params is None:
            refused = REFUSED[asked.entity_type]
            return self.refuse(403, "guest-refused", reason or refused, asked)
        token = guest_token_for(asked.entity_type, asked.entity_id, params, self.conf)
        return responses.token_json(token)

    def refuse(
        self, status: int, code: str, message: str | Promise, asked: GuestRequest | None = None
    ) -> responses.SSOResponse:
        """Log an error and return it, because the page with the embed does not show it."""
        # Before GUEST_PARAMS is called, the session is not read, so no query is needed.
        user_id = getattr(getattr(self.request, "user", None), "pk", None) if asked else None
        with translation.override(None):
            english = str(message)
        item = f"{asked.entity_type} {asked.entity_id}" if asked else "an embed"
        logger.warning(
            "No guest token for %s, user %s: %s (%s)",
            item,
            user_id,
            quoted(english),
            code,
            extra={"code": code, "user_id": user_id},
        )
        return responses.error_json(status, code, str(message))


def params_for(
    request: HttpRequest, asked: GuestRequest, callback: Callable[..., Any]
) -> Mapping[str, Any] | None:
    """Return the parameters of an item from GUEST_PARAMS, which refuses with None.

    Raises PermissionDenied if GUEST_PARAMS does, and ImproperlyConfigured for other values.
    """
    try:
        params = callback(request, asked.entity_type, asked.entity_id, asked.custom_context)
    except PermissionDenied:
        raise
    except PAGE_EXCEPTIONS as error:
        raise CallableFailed(f"METABASE_SSO['GUEST_PARAMS'] raised {error!r}.") from error
    if params is not None and not isinstance(params, Mapping):
        text = (
            f"METABASE_SSO['GUEST_PARAMS'] returned {type(params).__name__}. It must return a"
            " mapping or None."
        )
        raise ImproperlyConfigured(text)
    return params
