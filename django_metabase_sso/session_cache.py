"""Where the server-side client keeps its sessions in Metabase: in Django's default cache.

A session is found by who somebody is to Metabase right now, so whoever lost a group, an address or
their account never finds an old one. The JWT is never kept.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.cache import cache

from django_metabase_sso.conf import conf
from django_metabase_sso.redacted import Token
from django_metabase_sso.signals import logger

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

SIGN_IN_PATIENCE = 15  # seconds: after that another process's sign-in counts as lost


def key_of(user: AbstractBaseUser, claims: Mapping[str, Any]) -> str:
    """Return the cache key of a user's session; `claims` are those of a token, without times."""
    who = [_user_key(user), _generation(user), claims]
    return f"metabase_sso:session:{_digest(who)}"


def read(key: str) -> Token | None:
    """Return the session id below a key; None when there is none."""
    found = cache.get(key)
    return Token(found) if isinstance(found, str) else None


def write(key: str, session: str) -> None:
    """Keep a session id for TOKEN_LIFETIME."""
    cache.set(key, str(session), conf.TOKEN_LIFETIME)


def drop(key: str, session: str) -> None:
    """Forget a session id, unless another one took its place."""
    if cache.get(key) == session:
        cache.delete(key)


def claim_sign_in(key: str) -> bool:
    """Whether this process is the one to sign in; the others wait for its session."""
    return bool(cache.add(f"{key}:sign-in", 1, SIGN_IN_PATIENCE))


def end_sign_in(key: str) -> None:
    """Let others sign in again."""
    cache.delete(f"{key}:sign-in")


def forget_user(user: AbstractBaseUser) -> None:
    """Make all of a user's sessions unfindable, whatever the claims were."""
    cache.delete(_user_key(user))


def forget_signed_out(
    sender: object, user: AbstractBaseUser | None = None, **kwargs: object
) -> None:
    """Receive Django's `user_logged_out`; a cache that is gone does not stop the sign-out."""
    if user is None:
        return
    try:
        forget_user(user)
    except Exception as error:  # noqa: BLE001
        logger.warning(
            "The Metabase session of user %s was not dropped from the cache: %s",
            user.pk,
            type(error).__name__,
            extra={"code": "session-not-dropped", "user_id": user.pk},
        )


def _user_key(user: AbstractBaseUser) -> str:
    who = [str(conf.INSTANCE_URL), user._meta.label, str(user.pk)]  # noqa: SLF001
    return f"metabase_sso:user:{_digest(who)}"


def _generation(user: AbstractBaseUser) -> str:
    """Return what makes this user's keys their own until they sign out."""
    key, fresh = _user_key(user), secrets.token_hex(16)
    found: str = cache.get_or_set(key, fresh, 2 * conf.TOKEN_LIFETIME) or fresh
    return found


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
