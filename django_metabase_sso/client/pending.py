"""One sign-in for all who wait for it: threads and tasks of this process, and other processes."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import Future

from django_metabase_sso import session_cache
from django_metabase_sso.client.errors import MetabaseUnavailable
from django_metabase_sso.exceptions import MetabaseSSOError
from django_metabase_sso.redacted import Token

POLL = 0.05  # seconds between two looks for another process's session
_sign_ins: dict[str, Future[Token]] = {}
_lock = threading.Lock()


def join(key: str) -> tuple[Future[Token], bool]:
    """Return the sign-in under way for a key, and whether it is the caller who has to do it."""
    with _lock:
        under_way = _sign_ins.get(key)
        if under_way is not None:
            return under_way, False
        own = _sign_ins[key] = Future()
        own.set_running_or_notify_cancel()  # so that one who stops waiting can't cancel it for all
        return own, True


def finish(key: str, own: Future[Token], outcome: Token | BaseException) -> None:
    """Tell all who wait how the sign-in ended; a cancelled one is an error for the others."""
    with _lock:
        del _sign_ins[key]
    if isinstance(outcome, Exception):
        own.set_exception(outcome)
    elif isinstance(outcome, BaseException):
        own.set_exception(MetabaseUnavailable("The sign-in that this call waited for was ended."))
    else:
        own.set_result(outcome)


def own_copy(error: BaseException) -> BaseException:
    """Return an error of somebody else's sign-in, with a traceback of one's own."""
    if isinstance(error, MetabaseSSOError):
        return copy.copy(error).with_traceback(None)
    text = f"The sign-in that this call waited for raised {type(error).__name__}."
    return MetabaseUnavailable(text)


def turn(key: str) -> Token | bool:
    """Return the session that somebody made; True: sign in now; False: look again soon."""
    if not session_cache.claim_sign_in(key):
        return session_cache.read(key) or False
    session = session_cache.read(key)  # made since the caller looked
    if session is not None:
        session_cache.end_sign_in(key)
    return session or True
