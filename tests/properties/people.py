"""Who asks, without a database: thousands of examples a minute."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.test import override_settings

from tests.settings import METABASE_SSO


def person(pk: int, **fields: Any) -> User:
    """Return a user who is in no database."""
    fields = {"email": f"user{pk}@example.com", "username": f"user{pk}", **fields}
    return User(pk=pk, **fields)


# What a request may have in its Authorization header, and whom that makes of it.
BEARERS: dict[str, Any] = {
    "Bearer ada": person(1, first_name="Ada"),
    "Bearer inactive": person(2, is_active=False),
    "Bearer without-address": person(3, email=""),
    "Bearer refused": person(4),
    "Bearer many-groups": person(5),
    "Bearer nobody": AnonymousUser(),
}


def authenticate(request: HttpRequest) -> Any:
    """AUTHENTICATE: by the header alone; no opinion without a bearer token."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if header in BEARERS:
        return BEARERS[header]
    if header.startswith("Bearer"):
        raise PermissionDenied("This token is none of ours.")
    return None


def policy(user: Any, request: HttpRequest | None) -> bool:
    """ACCESS_POLICY: everybody but one."""
    return bool(user.pk != 4)


def groups(user: Any, request: HttpRequest | None) -> list[str]:
    """GROUP_MAPPING: too many for a redirect, of one person."""
    return [f"group {number}" for number in range(1000)] if user.pk == 5 else []


def site(keys: dict[str, Any], **settings: Any) -> override_settings:
    """Return a site with these keys of METABASE_SSO, which asks no database."""
    values = {**METABASE_SSO, "REQUIRE_UNIQUE_EMAIL": False, **keys}
    return override_settings(
        METABASE_SSO=values,
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        **settings,
    )
