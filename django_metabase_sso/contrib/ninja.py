"""AUTHENTICATE with Django Ninja's authentication classes.

Ninja returns None for an invalid token, and AUTHENTICATE would then use the session. This module
refuses an invalid header and never falls back to the session.
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
            raise ValueError("using needs at least one value that your API has as auth=")
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
        """Return the callables that get the request, for the checks as well. Raises BadSetting."""
        found: list[Any] = [as_callable("AUTHENTICATE", auth) for auth in self.auths]
        return [auth() if isinstance(auth, type) else auth for auth in found]


def using(*auths: Callable[[HttpRequest], Any] | str) -> Using:
    """Return an AUTHENTICATE with these authentications of Ninja, or their dotted paths.

    They must return a user. The first one that returns a user decides. A credential in a header or
    in the query that none of them accepts is refused, whatever the cookies contain. Without such a
    credential, the cookies and the session decide. Raises ValueError if there are no arguments.
    """
    return Using(*auths)


def _place(auth: Any) -> str:
    """Return where an authentication reads its credential: header, query or cookie."""
    return str(getattr(auth, "openapi_in", "header"))


def _was_sent(auth: Any, request: HttpRequest) -> bool:
    """Return whether the request has this authentication's credential in a header or the query."""
    name = getattr(auth, "param_name", getattr(auth, "header", "Authorization"))
    places: dict[str, Any] = {"header": request.headers, "query": request.GET}
    return name in places.get(_place(auth), ())
