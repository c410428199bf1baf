"""Who a call to Metabase is made as: evaluated anew for each call."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django_metabase_sso import access, claims, session_cache, tokens
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.redacted import Token
from django_metabase_sso.signals import send_issued, send_refused

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest


class Identity(NamedTuple):
    """A user who may use Metabase, as the database knows them now; `key` finds their session."""

    user: AbstractBaseUser
    request: HttpRequest | None
    claims: claims.Claims
    impersonator: object
    key: str


def identify(
    user: AbstractBaseUser | AnonymousUser, request: HttpRequest | None = None
) -> Identity:
    """Read the user from the database, and return who they are to Metabase.

    Raises AccessRefused, for a user who was deleted too, InvalidClaim, and what the project's
    callables raise. `token_refused` is sent for a refusal.
    """
    try:
        fresh = _fresh(user)
        impersonator = access.check_access(fresh, request)
        payload = claims.build(fresh, request)
    except AccessRefused as refusal:
        send_refused(user, request, refusal)
        raise
    return Identity(fresh, request, payload, impersonator, session_cache.key_of(fresh, payload))


def token_for(identity: Identity) -> Token:
    """Return a token for the exchange, and send `token_issued`."""
    payload = tokens.with_times(identity.claims)
    token = tokens.sign(payload)
    send_issued(identity.user, identity.request, payload, identity.impersonator)
    return token


def agent_headers(user: AbstractBaseUser, request: HttpRequest | None = None) -> dict[str, str]:
    """Return the header that Metabase's Agent API (`/api/agent/`) asks for, with a new token.

    Metabase takes it for 180 seconds: make new ones for each call. Raises what
    `tokens.issue_token` raises.
    """
    return {"Authorization": Token(f"Bearer {tokens.issue_token(user, request)}")}


def _fresh(user: AbstractBaseUser | AnonymousUser) -> AbstractBaseUser:
    """Return the user as they are in the database: a task may hold an old copy."""
    if not user.is_authenticated:
        raise AccessRefused("not-authenticated", "not authenticated")
    model = type(user)
    found = model._base_manager.filter(pk=user.pk).first()  # noqa: SLF001
    if found is None:
        raise AccessRefused("inactive", "Your account is gone.")
    return found
