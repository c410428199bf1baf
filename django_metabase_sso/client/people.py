"""Who a call is made as, found out anew before each one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django_metabase_sso import access, claims, sessions
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import InstanceURL
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.signals import send_issued, send_refused
from django_metabase_sso.tokens import Token, sign, with_times

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

# What middleware writes on the user of one request, and policies read: hijack, impersonate, OTP.
MARKS: Final = (
    "is_hijacked",
    "is_impersonate",
    "impersonator",
    "otp_device",
    "is_verified",
    "backend",
)


@dataclass(frozen=True)
class Person:
    """Someone who may have a token now; `key` is the cache key of their session."""

    user: AbstractBaseUser
    request: HttpRequest | None
    instance: InstanceURL
    claims: dict[str, Any] = field(repr=False)
    impersonator: object
    key: str

    def token(self) -> Token:
        """Return a fresh token, after telling the receivers of `token_issued`."""
        payload = with_times(self.claims)
        token = sign(payload)
        send_issued(self.user, self.request, payload, self.impersonator)
        return token


def person(user: AbstractBaseUser, request: HttpRequest | None) -> Person:
    """Return who `user` is now: read from the database again, access and claims evaluated.

    Raises what `tokens.issue_token` raises; a user who was deleted is refused as `inactive`.
    """
    current = user
    try:
        current = _reread(user)
        impersonator = access.check_access(current, request)
        found = claims.build(current, request)
    except AccessRefused as refusal:
        send_refused(current, request, refusal)
        raise
    instance = conf.INSTANCE_URL
    label = sessions.model_label(current)
    # The e-mail address is one of the claims.
    key = sessions.hashed(str(instance), label, str(current.pk), found)
    return Person(current, request, instance, found, impersonator, key)


def agent_headers(user: AbstractBaseUser, request: HttpRequest | None = None) -> dict[str, str]:
    """Return the header that Metabase's Agent API takes, with a fresh token for `user`.

    Metabase takes it for 180 seconds: ask for new headers before each call. Raises what
    `tokens.issue_token` raises.
    """
    return {"Authorization": Token(f"Bearer {person(user, request).token()}")}


def _reread(user: AbstractBaseUser) -> AbstractBaseUser:
    """Return the user from the database: a background job may hold an object for long."""
    if not user.is_authenticated:
        raise AccessRefused("not-authenticated", "not authenticated")
    people = user.__class__._base_manager.using(user._state.db)  # noqa: SLF001
    fresh = people.filter(pk=user.pk).first()
    if fresh is None:
        raise AccessRefused("inactive", "Your account does not exist any longer.")
    for name in MARKS:
        if hasattr(user, name):
            setattr(fresh, name, getattr(user, name))
    return fresh
