"""Who may have a token. The functions for ACCESS_POLICY can be used in a settings file."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured, PermissionDenied

from django_metabase_sso import uniqueness
from django_metabase_sso.conf import conf
from django_metabase_sso.emails import canonical_email
from django_metabase_sso.exceptions import AccessRefused

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

AccessPolicy = Callable[["AbstractBaseUser", "HttpRequest | None"], bool]


def check_access(user: AbstractBaseUser, request: HttpRequest | None = None) -> object:
    """Raise AccessRefused, with a code and a message, unless `user` may have a token.

    Returns the member of staff who acts as `user` where that is allowed and the case, else None.
    Costs one query when REQUIRE_UNIQUE_EMAIL is on and the database does not guarantee it.
    """
    if not user.is_authenticated:
        raise AccessRefused("not-authenticated", "not authenticated")
    if not user.is_active:
        raise AccessRefused("inactive", "Your account is switched off.")
    email = canonical_email(user)
    impersonated = is_impersonated(user, request)
    if impersonated and not conf.ALLOW_IMPERSONATION:
        raise AccessRefused(
            "impersonated", "You act as someone else; only they themselves may open Metabase."
        )
    if conf.REQUIRE_UNIQUE_EMAIL and not uniqueness.is_guaranteed():
        _require_unshared(user, email)
    _require_policy(user, request)
    return _impersonator(user, request) if impersonated else None


def is_impersonated(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
    """Whether staff act as `user`: django-hijack and django-impersonate leave these marks."""
    return bool(
        getattr(user, "is_hijacked", False)
        or getattr(user, "is_impersonate", False)
        or getattr(request, "impersonator", None)
    )


def trust_emails(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
    """ACCESS_POLICY of a project in which nobody can give themselves an unverified address."""
    return True


def deny_emails(*patterns: str) -> AccessPolicy:
    """Return an ACCESS_POLICY that refuses the addresses that match one of the patterns.

    `deny_emails("*@corp.example")` keeps Metabase's own administrators out of reach. `*` is any
    text, `?` one character; upper and lower case are the same. Raises ValueError for no pattern,
    and for one that no address can match.
    """
    folded = [pattern.lower() for pattern in patterns]
    if not folded or not all(p.isascii() and "@" in p and p == p.strip() for p in folded):
        raise ValueError("deny_emails needs ASCII patterns with an @, such as '*@corp.example'")

    def policy(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
        email = canonical_email(user)
        return not any(fnmatchcase(email, pattern) for pattern in folded)

    return policy


def _require_unshared(user: AbstractBaseUser, email: str) -> None:
    if uniqueness.is_shared(user, email):
        raise AccessRefused(
            "shared-email",
            "Another account has the same e-mail address, and to Metabase both would be one.",
        )


def _require_policy(user: AbstractBaseUser, request: HttpRequest | None) -> None:
    policy = conf.ACCESS_POLICY
    if policy is None:
        return
    message = "Your account may not sign in to Metabase."
    try:
        allowed = policy(user, request)
    except PermissionDenied as denied:
        allowed, message = False, str(denied) or message
    if not isinstance(allowed, bool):  # a coroutine, say, would count as true
        text = f"METABASE_SSO['ACCESS_POLICY'] returned {type(allowed).__name__}, not a bool."
        raise ImproperlyConfigured(text)
    if not allowed:
        raise AccessRefused("policy", message)


def _impersonator(user: AbstractBaseUser, request: HttpRequest | None) -> object:
    found = getattr(request, "impersonator", None) or getattr(user, "impersonator", None)
    history = getattr(request, "session", {}).get("hijack_history")
    if found is None and history:  # django-hijack stores the keys of those who act, in order
        return get_user_model()._base_manager.filter(pk=history[-1]).first()  # noqa: SLF001
    return found
