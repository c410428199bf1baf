"""The Metabase sessions that the client keeps in Django's cache.

The cache also has one random marker for each user. A session is valid only while the marker is the
one that it was stored with. Deleting the marker therefore invalidates all of a user's sessions,
with whatever claims they were created, and those of sign-ins that are still running. If the cache
evicts a marker too early, the client signs in again; an old session never becomes valid again. A
sign-in with other claims creates a new marker, because a Metabase account has the claims of its
last sign-in.

If the cache fails, nothing is cached, but the call continues: see `Store`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.core.cache import BaseCache, caches
from django.db import router, transaction

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.secrets import Secret
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.signals import logger, send_refused
from django_metabase_sso.tokens import Grant, grant_for

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

PREFIX: Final = "metabase_sso:"
# Attributes that middleware sets on the user of a request, and that policies read: hijack,
# impersonate, OTP.
MARKS: Final = (
    "is_hijacked",
    "is_impersonate",
    "impersonator",
    "otp_device",
    "is_verified",
    "backend",
)


# The user of a call


def current_grant(user: AbstractBaseUser, request: HttpRequest | None) -> Grant:
    """Return the grant for `user`, read from the database again, with present access and claims.

    Raises the exceptions of `tokens.issue_token`. A deleted user is refused as `inactive`.
    """
    current = user
    with entered(user):
        try:
            current = _reread(user)
            return grant_for(current, request)
        except AccessRefused as refusal:
            send_refused(current, request, refusal)
            raise


def _reread(user: AbstractBaseUser) -> AbstractBaseUser:
    """Return the user from the database, because a background job may keep an object for long."""
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


_entered: ContextVar[frozenset[tuple[type, object]]] = ContextVar("entered", default=frozenset())


@contextmanager
def entered(user: AbstractBaseUser) -> Iterator[None]:
    """Run the project's callables and receivers for `user`.

    Raises RuntimeError if that code uses the client for the same user. That call would need its
    own token, for which the same code would run again, without end.
    """
    who = (user.__class__, user.pk)
    if who in _entered.get():
        raise RuntimeError(
            f"A receiver of token_issued or token_refused, or a callable in METABASE_SSO, used the"
            f" client for user {user.pk} while a token for the same user was being created. Make"
            " the call after the response, or as another user."
        )
    token = _entered.set(_entered.get() | {who})
    try:
        yield
    finally:
        _entered.reset(token)


# Keys


def hashed(*parts: object) -> str:
    """Return a cache key for these values. All back ends accept it, and it reveals nothing."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()


def session_key(grant: Grant) -> str:
    """Return the cache key of the session for exactly these claims, e-mail address included."""
    user = grant.user
    return hashed(str(conf.INSTANCE_URL), _label(user), str(user.pk), grant.claims)


def mark_key(user: AbstractBaseUser) -> str:
    """Return the cache key of the user's marker."""
    return hashed("mark", _label(user), str(user.pk))


def _label(user: AbstractBaseUser) -> str:
    """Return the name of the model, which is the same for its proxy models."""
    concrete = user._meta.concrete_model  # noqa: SLF001
    return str((concrete or user)._meta.label)  # noqa: SLF001


# The cache


class Store:
    """The cache and the database of one client, without HTTP and without asynchronous code.

    If the cache raises an exception, its type is logged, and the call continues without the cache.
    The exception is not passed on, because its frames contain the session.
    """

    def __init__(
        self, user: AbstractBaseUser, request: HttpRequest | None, alias: str | None
    ) -> None:
        self.user = user
        self.request = request
        self.alias = alias or default_alias()

    def find(self, rejected: Secret | None = None) -> tuple[Grant, Secret | None]:
        """Return the user's present grant, and the session as `get` does."""
        grant = current_grant(self.user, self.request)
        return grant, self.get(grant, rejected)

    def get(self, grant: Grant, rejected: Secret | None = None) -> Secret | None:
        """Return the session that was stored for exactly these claims, unless it is `rejected`."""
        key, mark_at = session_key(grant), mark_key(grant.user)
        with self._sparing_the_call() as cache:
            found = cache.get_many([key, mark_at])
            kept = found.get(key)
            if kept and kept["mark"] == found.get(mark_at):
                session = Secret(kept["session"].encode())
                return None if session == rejected else session
        return None

    def begin(self, grant: Grant) -> str | None:
        """Return the marker of a sign-in, or None if the cache fails.

        Signing out, or a sign-in with other claims, makes the marker invalid: all of the user's
        sessions belong to one account in Metabase, and each sign-in writes its claims to it.
        """
        key, mark_at = session_key(grant), mark_key(grant.user)
        mark: str | None = None
        with self._sparing_the_call() as cache:
            mark = cache.get(mark_at)
            if mark and mark.startswith(key):
                cache.touch(mark_at, conf.TOKEN_LIFETIME)  # the user's other sessions stay valid
            else:
                if mark:  # a full cache would refuse the new marker, and keep the old one
                    cache.delete(mark_at)
                mark = f"{key}:{secrets.token_hex(16)}"
                cache.set(mark_at, mark, conf.TOKEN_LIFETIME)
        return mark

    def keep(self, grant: Grant, mark: str | None, session: Secret) -> None:
        """Store a new session, until its token expires at the latest."""
        if mark is None:
            return
        key, mark_at = session_key(grant), mark_key(grant.user)
        left = min(conf.TOKEN_LIFETIME, int(grant.payload["exp"] - time.time()))
        with self._sparing_the_call() as cache:
            now = cache.get(mark_at)
            if now == mark:
                cache.set(key, {"session": session.reveal().decode(), "mark": mark}, max(0, left))
            elif now and not now.startswith(key):
                # Two sign-ins ran at once, and it is unknown whose claims Metabase has.
                cache.delete(mark_at)

    def leave(self) -> Secret | None:
        """Return the session that `find` finds, and drop all of the user's, even if it raises."""
        try:
            return self.find()[1]
        finally:
            if self.user.is_authenticated:
                drop(self.user, self.alias)

    @contextmanager
    def _sparing_the_call(self) -> Iterator[BaseCache]:
        cache = caches[self.alias]  # each thread has its own object
        try:
            with _savepoints(cache):
                yield cache
        except Exception as error:  # noqa: BLE001 - the cache's library may raise anything
            logger.warning(
                "The cache %r failed (%s). Until it works again, the client signs in to Metabase"
                " for each call.",
                self.alias,
                type(error).__name__,
                extra={"code": "cache-failed", "user_id": self.user.pk},
            )


def default_alias() -> str:
    """Return the alias of the cache that keeps the sessions."""
    if apps.is_installed("django_metabase_sso.client"):
        return str(apps.get_app_config("metabase_sso_client").cache)  # type: ignore[attr-defined]
    return "default"


@contextmanager
def _savepoints(cache: BaseCache) -> Iterator[None]:
    """Prevent an error of a database cache from breaking the transaction around it."""
    model = getattr(cache, "cache_model_class", None)
    with ExitStack() as blocks:
        if model is not None:
            for alias in {router.db_for_read(model), router.db_for_write(model)}:
                blocks.enter_context(transaction.atomic(using=alias))
        yield


# Sign-out


def drop(user: AbstractBaseUser, alias: str) -> None:
    """Invalidate all sessions that this cache keeps for the user. Never raises."""
    try:
        cache = caches[alias]
        with _savepoints(cache):
            cache.delete(mark_key(user))
    except Exception as error:  # noqa: BLE001 - the cache's library may raise anything
        pk = getattr(user, "pk", None)  # some packages sign out objects that are not users
        logger.warning(
            "The Metabase sessions of user %s may still be in the cache %r: %s",
            pk,
            alias,
            type(error).__name__,
            extra={"code": "session-not-dropped", "user_id": pk},
        )


def drop_on_logout(*, user: AbstractBaseUser | None, **kwargs: Any) -> None:
    """Drop the sessions of a user who signs out (receiver of `user_logged_out`). Never raises."""
    if user is not None:  # None if the user was not signed in
        drop(user, default_alias())
