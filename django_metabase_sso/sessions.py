"""Whose Metabase sessions Django's cache keeps for the server-side client, and how they end.

Beside the sessions, the cache has one random mark for each user, and a session counts only while
the mark is the one it was kept with. So all of a user's sessions end by the loss of one entry,
whatever claims they were made with, a sign-in that is still under way among them; and a cache that
evicts the mark too early costs a sign-in, never an old session. A sign-in with other claims makes
a new mark: to Metabase, an account has the claims of its last sign-in.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.cache import caches

from django_metabase_sso.signals import logger

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

PREFIX: Final = "metabase_sso:"


def hashed(*parts: object) -> str:
    """Return a cache key for these values: any back end takes it, and it shows nothing."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()


def model_label(user: AbstractBaseUser) -> str:
    """Return the name of the table's model, the same for a proxy of it."""
    concrete = user._meta.concrete_model  # noqa: SLF001
    return str((concrete or user)._meta.label)  # noqa: SLF001


def mark_key(user: AbstractBaseUser) -> str:
    """Return the cache key of the user's mark."""
    return hashed("mark", model_label(user), str(user.pk))


def drop(user: AbstractBaseUser, alias: str) -> None:
    """Let none of the sessions that this cache has for the user count any longer."""
    caches[alias].delete(mark_key(user))


def drop_on_logout(*, user: AbstractBaseUser | None, **kwargs: Any) -> None:
    """Receiver of `user_logged_out`: drop the user's sessions from every cache of the project.

    A cache that is down must not keep anybody from logging out: that is logged.
    """
    if user is None:  # nobody was logged in
        return
    for alias in settings.CACHES:
        try:
            drop(user, alias)
        except Exception as error:  # noqa: BLE001 - whatever the cache's own library raises
            logger.warning(
                "The Metabase sessions of user %s may still be in the cache %r: %s",
                user.pk,
                alias,
                type(error).__name__,
                extra={"code": "session-not-dropped", "user_id": user.pk},
            )
