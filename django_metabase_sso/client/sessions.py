"""Whose Metabase sessions Django's cache keeps, and how they end.

Beside the sessions, the cache has one random mark for each user, and a session counts only while
the mark is the one that it was kept with. So deleting the mark invalidates all of a user's
sessions, whatever claims they were made with, and also those of sign-ins under way; and a cache
that evicts a mark too early costs a sign-in, and never brings an old session back. A sign-in with
other claims makes a new mark: in Metabase, an account has the claims of its last sign-in.

A cache that fails costs what it keeps, and not the call: see `Store`.
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
# What middleware writes on the user of one request, and policies read: hijack, impersonate, OTP.
MARKS: Final = (
    "is_hijacked",
    "is_impersonate",
    "impersonator",
    "otp_device",
    "is_verified",
    "backend",
)


# Who a call is made as


def current_grant(user: AbstractBaseUser, request: HttpRequest | None) -> Grant:
    """Return what `user` may have now: read from the database again, access and claims evaluated.

    Raises what `tokens.issue_token` raises; a user who was deleted is refused as `inactive`.
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


_entered: ContextVar[frozenset[tuple[type, object]]] = ContextVar("entered", default=frozenset())


@contextmanager
def entered(user: AbstractBaseUser) -> Iterator[None]:
    """Let the project's code run for `user`: callables and receivers.

    Raises RuntimeError when that code uses the client for the same user: the call would need a
    token of its own, for which the same code would run again, without an end.
    """
    who = (user.__class__, user.pk)
    if who in _entered.get():
        raise RuntimeError(
            f"The client is used for user {user.pk} by code that runs while a token for the same"
            " user is made: a receiver of token_issued or token_refused, or a callable of"
            " METABASE_SSO. Make the call after the answer, or as another user."
        )
    token = _entered.set(_entered.get() | {who})
    try:
        yield
    finally:
        _entered.reset(token)


# Keys


def hashed(*parts: object) -> str:
    """Return a cache key for these values: any back end takes it, and it shows nothing."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()


def session_key(grant: Grant) -> str:
    """Return the cache key of the session for exactly these claims, e-mail address included."""
    user = grant.user
    return hashed(str(conf.INSTANCE_URL), _label(user), str(user.pk), grant.claims)


def mark_key(user: AbstractBaseUser) -> str:
    """Return the cache key of the user's mark."""
    return hashed("mark", _label(user), str(user.pk))


def _label(user: AbstractBaseUser) -> str:
    """Return the name of the table's model, the same for a proxy of it."""
    concrete = user._meta.concrete_model  # noqa: SLF001
    return str((concrete or user)._meta.label)  # noqa: SLF001


# What the cache keeps


class Store:
    """What one client asks the cache and the database; no HTTP, and nothing asynchronous.

    Whatever the cache raises is logged by its type, and the call goes on as if nothing were kept.
    An exception of a cache is not passed on: its frames hold the session.
    """

    def __init__(
        self, user: AbstractBaseUser, request: HttpRequest | None, alias: str | None
    ) -> None:
        self.user = user
        self.request = request
        self.alias = alias or default_alias()

    def find(self, rejected: Secret | None = None) -> tuple[Grant, Secret | None]:
        """Return what the user may have now, and the session as `get` does."""
        grant = current_grant(self.user, self.request)
        return grant, self.get(grant, rejected)

    def get(self, grant: Grant, rejected: Secret | None = None) -> Secret | None:
        """Return the session that was kept for exactly these claims, unless it was `rejected`."""
        key, mark_at = session_key(grant), mark_key(grant.user)
        with self._sparing_the_call() as cache:
            found = cache.get_many([key, mark_at])
            kept = found.get(key)
            if kept and kept["mark"] == found.get(mark_at):
                session = Secret(kept["session"].encode())
                return None if session == rejected else session
        return None

    def begin(self, grant: Grant) -> str | None:
        """Return the mark of a sign-in, None without a cache.

        A log-out makes the sign-in worthless, and so does one with other claims: Metabase has one
        account for all of the user's sessions, and each sign-in writes its claims into it.
        """
        key, mark_at = session_key(grant), mark_key(grant.user)
        mark: str | None = None
        with self._sparing_the_call() as cache:
            mark = cache.get(mark_at)
            if mark and mark.startswith(key):
                cache.touch(mark_at, conf.TOKEN_LIFETIME)  # the user's other sessions go on
            else:
                if mark:  # a cache that is full takes no new mark, and would keep the old one
                    cache.delete(mark_at)
                mark = f"{key}:{secrets.token_hex(16)}"
                cache.set(mark_at, mark, conf.TOKEN_LIFETIME)
        return mark

    def keep(self, grant: Grant, mark: str | None, session: Secret) -> None:
        """Keep a new session, for no longer than its token would have lived."""
        if mark is None:
            return
        key, mark_at = session_key(grant), mark_key(grant.user)
        left = min(conf.TOKEN_LIFETIME, int(grant.payload["exp"] - time.time()))
        with self._sparing_the_call() as cache:
            now = cache.get(mark_at)
            if now == mark:
                cache.set(key, {"session": session.reveal().decode(), "mark": mark}, max(0, left))
            elif now and not now.startswith(key):
                # Both were under way: nobody knows whose claims came last.
                cache.delete(mark_at)

    def leave(self) -> tuple[Grant, Secret | None]:
        """Return the same as `find`, and drop all sessions of the user, even if it raises."""
        try:
            return self.find()
        finally:
            if self.user.is_authenticated:
                drop(self.user, self.alias)

    @contextmanager
    def _sparing_the_call(self) -> Iterator[BaseCache]:
        cache = caches[self.alias]  # an object for each thread
        try:
            with _savepoints(cache):
                yield cache
        except Exception as error:  # noqa: BLE001 - whatever the cache's own library raises
            logger.warning(
                "The cache %r failed (%s), so the client signs in to Metabase more often.",
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
    """Keep what fails in a cache in the database from ending the transaction around it."""
    model = getattr(cache, "cache_model_class", None)
    with ExitStack() as blocks:
        if model is not None:
            for alias in {router.db_for_read(model), router.db_for_write(model)}:
                blocks.enter_context(transaction.atomic(using=alias))
        yield


# How they end


def drop(user: AbstractBaseUser, alias: str) -> None:
    """Invalidate all of the sessions that this cache keeps for the user; never raises."""
    try:
        cache = caches[alias]
        with _savepoints(cache):
            cache.delete(mark_key(user))
    except Exception as error:  # noqa: BLE001 - whatever the cache's own library raises
        pk = getattr(user, "pk", None)  # packages sign out users of their own kind
        logger.warning(
            "The Metabase sessions of user %s may still be in the cache %r: %s",
            pk,
            alias,
            type(error).__name__,
            extra={"code": "session-not-dropped", "user_id": pk},
        )


def drop_on_logout(*, user: AbstractBaseUser | None, **kwargs: Any) -> None:
    """Receiver of `user_logged_out`: drop the user's sessions from the cache; never raises."""
    if user is not None:  # None: nobody was signed in
        drop(user, default_alias())
