"""`GET /sso/metabase`, and `POST /sso/metabase/guest-token` for guest embeds."""

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
    """Signs `request.user` in to Metabase. Subclasses need a `path()` of their own."""

    kind: ClassVar[Kind] = "sso"
    http_method_names = ("get", "head", "options")
    is_fetch: bool
    query: Query

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.query = read_query(request.META.get("QUERY_STRING", ""))
        self.is_fetch = wants_json(request, self.query.outside)
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
            return responses.empty(503)  # nothing is signed for a page that nobody opened
        if self.is_fetch and is_scripted_link(request, self.query):
            return responses.navigate(request.get_full_path())
        try:
            return self.answer(request)
        except (AccessRefused, InvalidReturnTo) as refused:
            # Answered outside: a failing template must not chain to it. Its traceback would hold
            # this frame, and so the request, until Python looks for such circles.
            refusal = refused.with_traceback(None)
        except DisallowedHost:
            raise
        except PAGE_EXCEPTIONS as error:
            raise CallableFailed(f"A callable of METABASE_SSO raised {error!r}.") from error
        return self.refuse(request, refusal)

    def head(self, request: HttpRequest, *args: Any, **kwargs: Any) -> responses.SSOResponse:
        # Django would set `self.head = self.get`: a circle that keeps the view and its settings.
        return self.get(request, *args, **kwargs)

    def answer(self, request: HttpRequest) -> responses.SSOResponse:
        """Return a token for the user who asks. Raises AccessRefused and InvalidReturnTo."""
        if self.is_fetch:
            target = "/"
        else:
            target = clean_return_to(self.query.values, self.conf.INSTANCE_URL)
        grant = self.grant(request)
        if self.is_fetch:
            response = responses.token_json(grant.token)
        else:
            response = responses.token_redirect(grant, target)
        if request.method == "HEAD":
            return responses.without_token(response, target, self.conf)
        grant.announce()
        return response

    def grant(self, request: HttpRequest) -> tokens.Grant:
        """Return what the user who asks may have; AccessRefused says why it is nothing."""
        try:
            user = request.user = self.authenticate(request)
        except PermissionDenied as denied:
            request.user = AnonymousUser()  # no falling back to the session's user
            message = str(denied) or gettext("The credentials of this request are not valid.")
            raise AccessRefused("invalid-credentials", message) from None
        if user.is_authenticated and isinstance(user, LazyObject):
            user = user._wrapped  # noqa: SLF001 - looking through it takes 3% of the whole request
        return tokens.grant_for(user, request, self.get_claims, self.conf)

    def authenticate(self, request: HttpRequest) -> Any:
        """Return the user who is asking, AnonymousUser for nobody.

        Raises PermissionDenied for a bad credential, AccessRefused (`nobody`) when AUTHENTICATE
        turns down somebody who is signed in (the login page would loop), and ImproperlyConfigured
        when it returns something that is not a user.
        """
        callback = self.conf.AUTHENTICATE
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
        if not hasattr(user, "is_authenticated"):
            kind = type(user).__name__  # what it returned could be a credential
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
        """Say why there is no token."""
        if isinstance(refusal, InvalidReturnTo):
            message = gettext("This link leads to an address in Metabase that is not allowed.")
            return self.error(
                400, "invalid-return-to", f"{message} {refusal}", template="invalid_return_to"
            )
        if refusal.code == "not-authenticated":
            return self.not_authenticated(request)
        send_refused(request.user, request, refusal)
        status = 401 if refusal.code == "invalid-credentials" else 403
        return self.error(status, refusal.code, refusal.message)

    def not_authenticated(self, request: HttpRequest) -> responses.SSOResponse:
        """Answer somebody who is not signed in: where to, or why not."""
        message = "not authenticated"  # for programs: the page has words of its own
        if self.is_fetch:
            return self.error(401, "not-authenticated", message)
        if not is_framed(request, self.query.outside):
            link = login.login_url(request, request.get_full_path(), self.conf)
            return responses.login_redirect(link)
        # Login pages refuse to be framed: offer the way there in the top window, and back.
        back = login.page_around(request) or request.get_full_path()
        link = login.login_url(request, back, self.conf)
        return self.error(401, "not-authenticated", message, template="sign_in", sign_in_url=link)

    def error(
        self, status: int, code: str, message: str, *, template: str = "refused", **context: str
    ) -> responses.SSOResponse:
        """Return an error in the form that the caller can read: JSON, or a page."""
        if self.is_fetch:
            return responses.error_json(status, code, message)
        return responses.error_page(
            self.request, self.conf, status, template, code=code, message=message, **context
        )


METHODS = "POST, OPTIONS"
# The one text here that is for people; the others tell a developer what to set.
REFUSED = {
    "dashboard": gettext_lazy("You are not allowed to see this dashboard."),
    "question": gettext_lazy("You are not allowed to see this question."),
}


class GuestTokenView(Endpoint):
    """Signs a guest token when GUEST_PARAMS says yes for this user and this item.

    Metabase's embed sends no CSRF token and shows none of our errors (metabase/metabase#82889):
    the `Origin` and the content type stand in for the one, the log for the other.
    """

    kind: ClassVar[Kind] = "guest_token"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return responses.empty(200, Allow=METHODS)
        if request.method != "POST":
            response = self.refuse(405, "method-not-allowed", "This address takes POST only.")
            response["Allow"] = METHODS
            return response
        if "HTTP_ORIGIN" not in request.META or not is_origin_allowed(request, self.conf):
            return self.refuse(403, "origin-not-allowed", "This origin may not ask for a token.")
        if request.content_type != "application/json":
            message = "This address takes application/json only."
            return self.refuse(415, "unsupported-media-type", message)
        try:
            asked = read_body(request, self.conf)
        except InvalidGuestRequest as invalid:
            return self.refuse(400, invalid.code, invalid.message)
        return self.answer(request, asked)

    def answer(self, request: HttpRequest, asked: GuestRequest) -> responses.SSOResponse:
        """Return a token, or say that GUEST_PARAMS did not allow one."""
        callback = self.conf.GUEST_PARAMS
        if callback is None:
            message = "METABASE_SSO['GUEST_PARAMS'] is not set, so nothing is signed here."
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
        """Return an error, and log it: the page with the embed shows nothing of it."""
        # Before GUEST_PARAMS is asked, nothing reads the session: a refusal needs no database.
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
    """Ask GUEST_PARAMS for the parameters of an item: None or PermissionDenied refuses."""
    try:
        params = callback(request, asked.entity_type, asked.entity_id, asked.custom_context)
    except PermissionDenied:
        raise
    except PAGE_EXCEPTIONS as error:
        raise CallableFailed(f"METABASE_SSO['GUEST_PARAMS'] raised {error!r}.") from error
    if params is not None and not isinstance(params, Mapping):
        text = (
            f"METABASE_SSO['GUEST_PARAMS'] returned {type(params).__name__}, no mapping or None."
        )
        raise ImproperlyConfigured(text)
    return params
