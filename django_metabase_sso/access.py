"""Decides whether a user may have a token: `check_access`."""

from __future__ import annotations

from dataclasses import dataclass
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

# The session keys of django-hijack, django-loginas and django-su for impersonation.
SESSION_MARKS = frozenset({"hijack_history", "loginas_from_user", "exit_users_pk"})
MOST_LOGGED = 10  # users in one log record, because one address may have thousands of users


@dataclass(frozen=True)
class Access:
    """Whether a user may have a token; if not, `code` and `message` say why."""

    allowed: bool
    code: str = ""
    message: str = ""

    def __bool__(self) -> bool:
        return self.allowed


def check_access(user: AbstractBaseUser, request: HttpRequest | None = None) -> object:
    """Raise AccessRefused, with a code and a message, unless `user` may have a token.

    Returns the member of staff who acts as `user`, if impersonation is allowed, or else None.
    Raises ImproperlyConfigured if the policy does not return a bool or changes the address, and,
    if addresses must be unique, for a user of another model than AUTH_USER_MODEL.

    The policy is asked before the database. With REQUIRE_UNIQUE_EMAIL, this costs one query,
    unless the database guarantees uniqueness. If users share the address and ACCESS_POLICY decides
    which of them count, it costs a second query.
    """
    return require_access(user, request, conf)


def require_access(user: AbstractBaseUser, request: HttpRequest | None, conf: Conf) -> object:
    """Return the result of `check_access` with these settings."""
    if not user.is_authenticated:
        raise AccessRefused("not-authenticated", "not authenticated")
    if not user.is_active:
        raise AccessRefused("inactive", gettext("Your account has been deactivated."))
    email = canonical_email(user)
    impersonated = is_impersonated(user, request)
    if impersonated and not conf.ALLOW_IMPERSONATION:
        _refuse_impersonation()
    _require_policy(user, request, conf)  # first, so that strangers learn nothing about addresses
    if conf.REQUIRE_UNIQUE_EMAIL:
        if canonical_email(user) != email:
            raise ImproperlyConfigured(
                "METABASE_SSO['ACCESS_POLICY'] must not change the user's e-mail address."
            )
        _require_unshared(user, email, conf)
    return _impersonator(user, request) if impersonated else None


def is_impersonated(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
    """Return whether staff act as `user`, with a package or with the project's own code.

    The packages are django-hijack, django-impersonate, django-loginas and django-su. With its own
    code, a project sets `request.impersonator` to the member of staff, in a middleware below
    AuthenticationMiddleware. If the user was read from the database again, the packages'
    attributes of the user are lost, but the session still has its keys.
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
    return is_marked and session.get(SESSION_KEY) == _session_key(user)  # not a user of a header


def _session_key(user: AbstractBaseUser) -> str:
    """Return the user's key as `login()` stores it, which is not `str()` for all primary keys."""
    meta = getattr(user, "_meta", None)  # packages for tokens have users that are not models
    return str(user.pk) if meta is None else meta.pk.value_to_string(user)


def _require_unshared(user: AbstractBaseUser, email: str, conf: Conf) -> None:
    if not isinstance(user, get_user_model()):
        raise ImproperlyConfigured(
            f"{user.__class__.__name__} is not AUTH_USER_MODEL. With"
            " METABASE_SSO['REQUIRE_UNIQUE_EMAIL'], users must be of AUTH_USER_MODEL."
        )
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
    """Return who acts as `user`. Raises AccessRefused if unknown: an audit would be wrong."""
    found = getattr(request, "impersonator", None) or getattr(user, "impersonator", None)
    history = getattr(request, "session", {}).get("hijack_history")
    if found is None and history:  # keys of users who act as each other; the first one signed in
        people = get_user_model()._base_manager.using(user._state.db)  # noqa: SLF001
        found = people.filter(pk=history[0]).first()
    return found or _refuse_impersonation()


def _refuse_impersonation() -> NoReturn:
    text = gettext("You are acting as another user. Only that user can open Metabase.")
    raise AccessRefused("impersonated", text)
