"""`POST /sso/metabase/guest-token`: Metabase's `guestEmbedProviderUri`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from django_metabase_sso import responses
from django_metabase_sso.conf import conf
from django_metabase_sso.endpoints import PAGE_EXCEPTIONS, Endpoint, is_origin_allowed
from django_metabase_sso.exceptions import CallableFailed, InvalidGuestRequest
from django_metabase_sso.guest import guest_token
from django_metabase_sso.guest_request import GuestRequest, read_body
from django_metabase_sso.signals import logger

__all__ = ["GuestTokenView"]

METHODS = "POST, OPTIONS"
# The one text here that is for people; the others tell a developer what to set.
REFUSED = {
    "dashboard": gettext_lazy("You may not see this dashboard."),
    "question": gettext_lazy("You may not see this question."),
}


class GuestTokenView(Endpoint):
    """Signs a guest token when GUEST_PARAMS says yes for this user and this item.

    Metabase's embed sends no CSRF token and shows none of our errors (metabase/metabase#82889):
    the `Origin` and the content type stand in for the one, the log for the other.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return responses.empty(200, Allow=METHODS)
        if request.method != "POST":
            response = self.refuse(405, "method-not-allowed", "This address takes POST only.")
            response["Allow"] = METHODS
            return response
        if "HTTP_ORIGIN" not in request.META or not is_origin_allowed(request):
            return self.refuse(403, "origin-not-allowed", "This origin may not ask for a token.")
        if request.content_type != "application/json":
            message = "This address takes application/json only."
            return self.refuse(415, "unsupported-media-type", message)
        try:
            asked = read_body(request)
        except InvalidGuestRequest as invalid:
            return self.refuse(400, invalid.code, invalid.message)
        return self.answer(request, asked)

    def answer(self, request: HttpRequest, asked: GuestRequest) -> responses.SSOResponse:
        """Return a token, or say that GUEST_PARAMS did not allow one."""
        if conf.GUEST_PARAMS is None:
            message = "METABASE_SSO['GUEST_PARAMS'] is not set, so nothing is signed here."
            return self.refuse(403, "guest-params-not-set", message, asked)
        reason = ""
        try:
            params = params_for(request, asked, conf.GUEST_PARAMS)
        except PermissionDenied as denied:
            params, reason = None, str(denied)
        if params is None:
            refused = REFUSED[asked.entity_type]
            return self.refuse(403, "guest-refused", reason or refused, asked)
        return responses.token_json(guest_token(asked.entity_type, asked.entity_id, params))

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
            english,
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
