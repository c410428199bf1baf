"""The sessions in Django's cache."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.core.cache import BaseCache, caches

from django_metabase_sso import sessions
from django_metabase_sso.client.people import Person, person
from django_metabase_sso.conf import conf
from django_metabase_sso.tokens import Token

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest


@dataclass(frozen=True)
class SignIn:
    """One that is under way."""

    mark: str
    began: float = field(default_factory=time.monotonic)


class Store:
    """What one client asks the cache and the database; no HTTP, and nothing asynchronous."""

    def __init__(self, user: AbstractBaseUser, request: HttpRequest | None, alias: str) -> None:
        self.user = user
        self.request = request
        self.alias = alias

    @property
    def _cache(self) -> BaseCache:
        return caches[self.alias]  # an object for each thread

    def find(self) -> tuple[Person, Token | None]:
        """Return who the user is now, and their session where there is one."""
        found = person(self.user, self.request)
        return found, self.get(found)

    def get(self, of: Person) -> Token | None:
        """Return the session that was kept for exactly these claims."""
        mark_key = sessions.mark_key(of.user)
        found = self._cache.get_many([of.key, mark_key])
        kept = found.get(of.key)
        if kept is None or kept["mark"] != found.get(mark_key):
            return None
        return Token(kept["session"])

    def begin(self, of: Person) -> SignIn:
        """Return a sign-in, which a log-out, or one with other claims, makes worthless.

        Metabase has one account for all of the user's sessions, and each sign-in writes its claims
        into it. So sessions with other claims are worthless from now on.
        """
        mark_key = sessions.mark_key(of.user)
        mark = self._cache.get(mark_key)
        if mark is None or not mark.startswith(of.key):
            mark = f"{of.key}:{secrets.token_hex(16)}"
            self._cache.set(mark_key, mark, conf.TOKEN_LIFETIME)
        else:  # one that is there stays, or the user's other sessions would end
            self._cache.touch(mark_key, conf.TOKEN_LIFETIME)
        return SignIn(mark)

    def keep(self, of: Person, sign_in: SignIn, session: Token) -> None:
        """Keep a new session, for no longer than its token would have lived."""
        mark = self._cache.get(sessions.mark_key(of.user))
        if mark != sign_in.mark:
            if mark and not mark.startswith(of.key):
                # Both were under way: nobody knows whose claims came last.
                sessions.drop(of.user, self.alias)
            return
        age = time.monotonic() - sign_in.began
        kept = {"session": session, "mark": mark}
        self._cache.set(of.key, kept, max(0, int(conf.TOKEN_LIFETIME - age)))

    def forget(self, of: Person, session: Token) -> None:
        """Drop a session that Metabase does not know, unless another has taken its place."""
        if self.get(of) == session:
            self._cache.delete(of.key)

    def leave(self) -> tuple[Person, Token | None]:
        """Return the same as `find`, and drop all sessions of the user, even if it raises."""
        try:
            return self.find()
        finally:
            if self.user.is_authenticated:
                sessions.drop(self.user, self.alias)
