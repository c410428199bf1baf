"""AUTHENTICATE by Django Ninja's authentication classes.

Ninja's answer to a bad token is None, which leaves AUTHENTICATE to the session. Here a bad header
is refused, and never falls back to the session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext

from django_metabase_sso.conf.readers import as_callable
from django_metabase_sso.contrib.rest_framework import checked_user

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

__all__ = ["using"]


class Using:
    """See `using`."""

    def __init__(self, *auths: Callable[[HttpRequest], Any] | str) -> None:
        if not auths:
            raise ValueError("using needs what your API has as auth=")
        self.auths = auths

    def __call__(self, request: HttpRequest) -> AbstractBaseUser | None:
        from ninja.errors import HttpError

        auths = self.parts()
        was_sent = "Authorization" in request.headers or any(_was_sent(a, request) for a in auths)
        for auth in auths:
            if was_sent and _place(auth) == "cookie":
                continue
            try:
                found = auth(request)
            except HttpError as error:
                if error.status_code not in {401, 403}:
                    raise
                raise PermissionDenied(str(error)) from None
            if found:
                return checked_user(found)
        if was_sent:
            raise PermissionDenied(gettext("The credentials of this request are not valid."))
        return None

    def parts(self) -> list[Callable[..., Any]]:
        """Return what takes the request, for the checks as well. Raises BadSetting."""
        found: list[Any] = [as_callable("AUTHENTICATE", auth) for auth in self.auths]
        return [auth() if isinstance(auth, type) else auth for auth in found]


def using(*auths: Callable[[HttpRequest], Any] | str) -> Using:
    """Return an AUTHENTICATE with these authentications of Ninja, or dotted paths of them.

    They must return a user; the first that does decides. A credential in a header or in the query
    that none of them accepts is refused, whatever the cookies say. Without one, the cookies and
    the session decide. Raises ValueError for no authentication.
    """
    return Using(*auths)


def _place(auth: Any) -> str:
    """Return where an authentication reads from: header, query or cookie."""
    return str(getattr(auth, "openapi_in", "header"))


def _was_sent(auth: Any, request: HttpRequest) -> bool:
    """Whether the request has what this authentication reads, unless that is a cookie."""
    name = getattr(auth, "param_name", getattr(auth, "header", "Authorization"))
    places: dict[str, Any] = {"header": request.headers, "query": request.GET}
    return name in places.get(_place(auth), ())
