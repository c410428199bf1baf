"""AUTHENTICATE with Django REST framework's authentication classes. Needs the extra `[drf]`.

If there is a header, it decides, and the session is not used, even if the header is invalid. An
invalid cookie only counts as anonymous, because browsers send cookies by themselves.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext

from django_metabase_sso.conf.readers import as_callable
from django_metabase_sso.exceptions import BadSetting

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from rest_framework.authentication import BaseAuthentication

__all__ = ["authenticate", "using"]


def authenticate(request: HttpRequest) -> AbstractBaseUser | None:
    """Return the user that DEFAULT_AUTHENTICATION_CLASSES find, for AUTHENTICATE.

    Returns None without a header, or if a class refuses a cookie: then the session decides.
    SessionAuthentication is skipped. Raises PermissionDenied, with REST framework's reason, for an
    invalid credential, for a header that no class accepts, and for a credential without a user.
    """
    from rest_framework.settings import api_settings

    return _first_user(request, api_settings.DEFAULT_AUTHENTICATION_CLASSES)


class Using:
    """See `using`."""

    def __init__(self, *classes: type[BaseAuthentication] | str) -> None:
        if not classes:
            raise ValueError("using needs at least one authentication class")
        self.classes = classes

    def __call__(self, request: HttpRequest) -> AbstractBaseUser | None:
        return _first_user(request, self.imported())

    def imported(self) -> list[type[BaseAuthentication]]:
        """Return the classes. Raises BadSetting if one of them is not an authentication class."""
        found: list[Any] = [as_callable("AUTHENTICATE", entry) for entry in self.classes]
        for entry in found:
            if not isinstance(entry, type) or not hasattr(entry, "authenticate"):
                message = (
                    f"METABASE_SSO['AUTHENTICATE']: {entry!r} is not an authentication class."
                )
                hint = 'Write using("rest_framework.authentication.TokenAuthentication").'
                raise BadSetting("metabase_sso.E015", message, hint)
        return found

    def parts(self) -> list[Callable[..., Any]]:
        """Return the callables that get the request, for the checks. Raises BadSetting."""
        return [entry().authenticate for entry in self.imported()]


def using(*classes: type[BaseAuthentication] | str) -> Using:
    """Return an AUTHENTICATE like `authenticate`, with these classes or their dotted paths.

    You can call it in a settings file. Raises ValueError if there are no arguments.
    """
    return Using(*classes)


def _first_user(
    request: HttpRequest, classes: Sequence[type[BaseAuthentication]]
) -> AbstractBaseUser | None:
    from rest_framework.authentication import SessionAuthentication
    from rest_framework.request import Request

    wrapped = Request(request)
    has_header = "HTTP_AUTHORIZATION" in request.META
    # SessionAuthentication would require a CSRF token. The view uses the session's user itself.
    for authenticator in [e() for e in classes if not issubclass(e, SessionAuthentication)]:
        has_header = has_header or _has_own_header(authenticator, wrapped)
        try:
            found = authenticator.authenticate(wrapped)
        except _refusals() as refusal:
            if not has_header and _refuses_a_cookie(authenticator, request):
                continue
            raise PermissionDenied(_reason(refusal.detail)) from None
        if found is not None:
            return checked_user(found[0])
    if has_header:
        message = gettext("This site does not accept this kind of credentials.")
        raise PermissionDenied(message)
    return None


def _refusals() -> tuple[type[Any], ...]:
    from rest_framework import exceptions

    return (
        exceptions.AuthenticationFailed,
        exceptions.NotAuthenticated,
        exceptions.PermissionDenied,
    )


def _has_own_header(authenticator: Any, request: object) -> bool:
    """Return whether the request has the header of SimpleJWT's AUTH_HEADER_NAME."""
    get_header = getattr(authenticator, "get_header", None)
    return get_header is not None and get_header(request) is not None


def _refuses_a_cookie(authenticator: Any, request: HttpRequest) -> bool:
    """Return whether the class accepts the same request if it has no cookies."""
    from rest_framework.request import Request

    bare = copy.copy(request)
    bare.COOKIES = {}
    bare.META = {name: value for name, value in request.META.items() if name != "HTTP_COOKIE"}
    vars(bare).pop("headers", None)  # Django caches them
    try:
        return authenticator.authenticate(Request(bare)) is None
    except _refusals():
        return False


def checked_user(user: Any) -> AbstractBaseUser:
    """Return the user of a credential.

    Raises PermissionDenied for None and anonymous users, and ImproperlyConfigured for objects that
    are not instances of AUTH_USER_MODEL.
    """
    if user is None or not getattr(user, "is_authenticated", True):
        raise PermissionDenied(gettext("The credentials of this request do not belong to a user."))
    if not isinstance(user, get_user_model()):  # SimpleJWT's TokenUser is read from the token
        text = (
            f"METABASE_SSO['AUTHENTICATE'] returned a {type(user).__name__} instead of an"
            " AUTH_USER_MODEL. Use an authentication class that returns users from the database."
        )
        raise ImproperlyConfigured(text)
    return user


def _reason(detail: Any) -> str:
    """Return the text of REST framework's `detail`, with SimpleJWT's `messages`."""
    if isinstance(detail, list):
        return " ".join(map(str, detail))
    if not isinstance(detail, dict):
        return str(detail)
    entries = detail.get("messages", ())
    whys = [str(e["message"]) for e in entries if isinstance(e, dict) and "message" in e]
    return ": ".join(filter(None, [str(detail.get("detail", "")), ", ".join(whys)]))
