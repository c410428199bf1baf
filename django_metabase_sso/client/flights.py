"""One sign-in at a time for each session in a process: who comes later shares what comes of it."""

from __future__ import annotations

import copy
import os
from concurrent.futures import Future

from django_metabase_sso.client.errors import MetabaseError
from django_metabase_sso.tokens import Token

# None: whoever signed in gave up for a reason of their own, so somebody else tries.
Outcome = Token | MetabaseError | None
Flight = Future[Outcome]


class Flights:
    """The sign-ins under way."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[int, str, str], Flight] = {}

    def join(self, alias: str, key: str) -> tuple[Flight, bool]:
        """Return the flight for a session, and whether the caller is the one to sign in."""
        ours: Flight = Future()
        ours.set_running_or_notify_cancel()  # a cancelled coroutine that waits cancels nothing
        # The process is a part of the key: a fork has the flights, but not the threads.
        flight = self._under_way.setdefault((os.getpid(), alias, key), ours)
        return flight, flight is ours

    def land(self, alias: str, key: str, outcome: Outcome) -> None:
        """Give everyone who waits the outcome."""
        self._under_way.pop((os.getpid(), alias, key)).set_result(outcome)


of_threads = Flights()
of_coroutines = Flights()  # apart: a thread that waits may be the one that runs their queries


def unpacked(outcome: Outcome) -> Token | None:
    """Return the session, or raise a copy of the error: an exception belongs to one thread."""
    if isinstance(outcome, MetabaseError):
        raise copy.copy(outcome)
    return outcome
