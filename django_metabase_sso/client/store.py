"""The sessions in Django's cache, and whose turn it is to sign in."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.core.cache import BaseCache, caches

from django_metabase_sso import sessions
from django_metabase_sso.client.people import Person, person
from django_metabase_sso.conf import conf
from django_metabase_sso.redacted import Token

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

# Seconds. A process that dies while it signs in holds the others up for no longer; where a live
# one takes longer, two sign-ins happen, which is harmless.
LONGEST_TURN: Final = 10
POLL: Final = 0.05  # seconds between two looks at what another process does


@dataclass(frozen=True)
class Turn:
    """One attempt to be the only one who signs in."""

    lock: str
    mark: str
    began: float = field(default_factory=time.monotonic)
    owner: str = field(default_factory=lambda: secrets.token_hex(16))


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

    def begin(self, of: Person) -> Turn:
        """Return an attempt to sign in, which a log-out from now on makes worthless."""
        mark_key = sessions.mark_key(of.user)
        # One that is there stays, or the user's other sessions would end.
        mark = self._cache.get_or_set(mark_key, lambda: secrets.token_hex(16), conf.TOKEN_LIFETIME)
        self._cache.touch(mark_key, conf.TOKEN_LIFETIME)
        return Turn(f"{of.key}:lock", str(mark))

    def look(self, of: Person, turn: Turn) -> Token | bool:
        """Return the session where somebody has kept one, else whether to sign in now."""
        is_ours = self._cache.add(turn.lock, turn.owner, LONGEST_TURN)
        waited = time.monotonic() - turn.began
        return self.get(of) or is_ours or waited >= LONGEST_TURN

    def keep(self, of: Person, turn: Turn, session: Token) -> None:
        """Keep a new session, for no longer than its token would have lived."""
        age = time.monotonic() - turn.began
        kept = {"session": session, "mark": turn.mark}
        self._cache.set(of.key, kept, max(0, int(conf.TOKEN_LIFETIME - age)))

    def end(self, turn: Turn) -> None:
        """Let the next one try; a lock that expired and is another's now stays."""
        if self._cache.get(turn.lock) == turn.owner:
            self._cache.delete(turn.lock)

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
