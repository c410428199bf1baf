"""Who may have a token: `check_access`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.utils.translation import gettext

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.settings import Conf
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.identity import uniqueness
from django_metabase_sso.identity.emails import canonical_email
from django_metabase_sso.policies import ask, counted_sharers
from django_metabase_sso.signals import logger

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

__all__ = ["check_access"]

# How django-hijack, django-loginas and django-su mark a session in which staff act as its user.
SESSION_MARKS = frozenset({"hijack_history", "loginas_from_user", "exit_users_pk"})
MOST_LOGGED = 10  # users in one log record: anybody can register a thousand with one address


def check_access(user: AbstractBaseUser, request: HttpRequest | None = None) -> object:
    """Raise AccessRefused, with a code and a message, unless `user` may have a token.

    Returns the member of staff who acts as `user` where that is allowed and the case, else None.
    ImproperlyConfigured for a user of another model than AUTH_USER_MODEL, where addresses must be
    unique, and for a policy that returns no bool or changes the address.
    The policy is asked before the database. That one costs a query when REQUIRE_UNIQUE_EMAIL is on
    and the database does not guarantee it; users who share an address cost a second one where
    ACCESS_POLICY says which of them count.
    """
    return require_access(user, request, conf)


def require_access(user: AbstractBaseUser, request: HttpRequest | None, conf: Conf) -> object:
    """Return what `check_access` does, by these settings."""
    if not user.is_authenticated:
        raise AccessRefused("not-authenticated", "not authenticated")
    if not user.is_active:
        raise AccessRefused("inactive", gettext("Your account has been deactivated."))
    email = canonical_email(user)
    impersonated = is_impersonated(user, request)
    if impersonated and not conf.ALLOW_IMPERSONATION:
        _refuse_impersonation()
    _require_policy(user, request, conf)  # first: a stranger learns nothing about addresses
    if conf.REQUIRE_UNIQUE_EMAIL:
        if canonical_email(user) != email:
            raise ImproperlyConfigured("METABASE_SSO['ACCESS_POLICY'] changed the user's address.")
        _require_unshared(user, email, conf)
    return _impersonator(user, request) if impersonated else None


def is_impersonated(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
    """Whether staff act as `user`: by django-hijack, -impersonate, -loginas or -su, or as marked.

    A project marks what it does by itself: its middleware, below AuthenticationMiddleware, sets
    `request.impersonator` to the member of staff. A user that was read again has lost the marks of
    the packages; the session of the request still has its own.
    """
    if (
        getattr(user, "is_hijacked", False)
        or getattr(user, "is_impersonate", False)
        or getattr(request, "impersonator", None)
    ):
        return True
    session = getattr(request, "session", None)
    if session is None:
        return False
    marks = {*SESSION_MARKS, getattr(settings, "LOGINAS_FROM_USER_SESSION_FLAG", "")}
    if marks.isdisjoint(session.keys()):
        return False
    is_marked = any(session.get(mark) for mark in marks)
    return is_marked and session.get(SESSION_KEY) == _session_key(user)  # nobody from a header


def _session_key(user: AbstractBaseUser) -> str:
    """Return how `login()` writes the user's key: not every primary key is written by `str`."""
    meta = getattr(user, "_meta", None)  # what a package makes of a token is not always a model
    return str(user.pk) if meta is None else meta.pk.value_to_string(user)


def _require_unshared(user: AbstractBaseUser, email: str, conf: Conf) -> None:
    if not isinstance(user, get_user_model()):
        text = f"{user.__class__.__name__} is not AUTH_USER_MODEL, whose addresses are compared."
        raise ImproperlyConfigured(text)
    ids = uniqueness.other_users(user, email)
    if not ids:
        return
    logger.warning(
        "User %s shares an e-mail address with %s%s.",
        user.pk,
        ", ".join(map(str, ids[:MOST_LOGGED])),
        " and more" if len(ids) > MOST_LOGGED else "",
        extra={"code": "shared-email", "user_id": user.pk, "sharer_ids": ids[:MOST_LOGGED]},
    )
    counted = counted_sharers(conf.ACCESS_POLICY, email)
    if not counted or uniqueness.other_users(user, email, counted):
        raise AccessRefused(
            "shared-email",
            gettext(
                "Another account has the same e-mail address. Metabase could not tell them apart."
            ),
        )


def _require_policy(user: AbstractBaseUser, request: HttpRequest | None, conf: Conf) -> None:
    policy = conf.ACCESS_POLICY
    if policy is None:
        return
    reason = ""
    try:
        allowed = ask(policy, user, request, "METABASE_SSO['ACCESS_POLICY']")
    except PermissionDenied as denied:
        allowed, reason = False, str(denied)
    if not allowed:
        message = reason or gettext("Your account is not allowed to sign in to Metabase.")
        raise AccessRefused("policy", message)


def _impersonator(user: AbstractBaseUser, request: HttpRequest | None) -> object:
    """Return who acts as `user`. AccessRefused when nothing tells: an audit would be wrong."""
    found = getattr(request, "impersonator", None) or getattr(user, "impersonator", None)
    history = getattr(request, "session", {}).get("hijack_history")
    if found is None and history:  # the keys of those who act as each other: the first is real
        people = get_user_model()._base_manager.using(user._state.db)  # noqa: SLF001
        found = people.filter(pk=history[0]).first()
    return found or _refuse_impersonation()


def _refuse_impersonation() -> NoReturn:
    text = gettext("You are acting as another user. Only that user can open Metabase.")
    raise AccessRefused("impersonated", text)
