"""A thread that ends access in Metabase, so that requests do not wait for Metabase.

Its queue is limited. When the process ends, the thread may finish its tasks for a few seconds.
Tasks that do not fit, fail or are not allowed are logged as `access-not-ended`. The command `sync`
finds those users later.
"""

from __future__ import annotations

import atexit
import heapq
import os
import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from django.db import connections

from django_metabase_sso.administration import accounts
from django_metabase_sso.administration.api import opened
from django_metabase_sso.exceptions import MetabaseError
from django_metabase_sso.identity.users import users_by_email
from django_metabase_sso.signals import log_not_ended, send_ended

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

How = Literal["sessions", "deactivated"]
MOST_WAITING: Final = 1000
CALL_TIMEOUT: Final = 5.0  # seconds for each call
DRAINED_FOR: Final = 5.0  # seconds for the remaining tasks when the process ends
SECOND_LOOK: Final = 185.0  # seconds: Metabase accepts tokens for 180 seconds


@dataclass(frozen=True)
class Task:
    """A user who has lost access. `user` is the stored row. `pk` is None for a deleted user."""

    how: How
    sender: type
    user: AbstractBaseUser = field(repr=False)
    pk: object
    email: str = field(repr=False)
    is_second_look: bool = False


class Worker:
    """The thread and its queue. It starts with the first task, and again in a forked process."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[Task | None] = queue.Queue(MOST_WAITING)
        self.later: list[tuple[float, int, Task]] = []
        self.pid = os.getpid()
        self.thread = threading.Thread(target=self.run, name="metabase-sso", daemon=True)

    def run(self) -> None:
        """Perform the tasks until one is None."""
        while True:
            task = self.next()
            if task is None:
                return
            perform(task, self)

    def next(self) -> Task | None:
        """Wait for the next task: a new one, or one that is due for its second look."""
        while True:
            wait = max(0.0, self.later[0][0] - time.monotonic()) if self.later else None
            try:
                return self.waiting.get(timeout=wait)
            except queue.Empty:
                return heapq.heappop(self.later)[2]

    def look_again(self, task: Task) -> None:
        """Perform a task again when the tokens that were signed before it have expired."""
        if len(self.later) >= MOST_WAITING:
            log_not_ended(task.pk, "too many accounts are waiting for their second look")
            return
        again = Task(task.how, task.sender, task.user, task.pk, task.email, is_second_look=True)
        due = time.monotonic() + SECOND_LOOK
        heapq.heappush(self.later, (due, id(again), again))


_lock = threading.Lock()
_worker: Worker | None = None


def put(task: Task) -> None:
    """Let the worker perform a task soon. Returns at once, and never raises."""
    try:
        _running().waiting.put_nowait(task)
    except queue.Full:
        log_not_ended(task.pk, "too many other tasks are waiting")


def drain() -> None:
    """Wait for at most DRAINED_FOR seconds until all tasks are done, and end the thread."""
    global _worker
    with _lock:
        worker, _worker = _worker, None
    if worker is None or worker.pid != os.getpid():
        return
    ends = time.monotonic() + DRAINED_FOR
    with suppress(queue.Full):
        worker.waiting.put(None, timeout=DRAINED_FOR)
    worker.thread.join(max(0.0, ends - time.monotonic()))
    while worker.thread.is_alive():
        try:
            left = worker.waiting.get_nowait()
        except queue.Empty:
            return
        if left is not None:
            log_not_ended(left.pk, "the process ended before the task was done")


atexit.register(drain)


def perform(task: Task, worker: Worker) -> None:
    """End the access in Metabase, and log failures. Never raises."""
    try:
        ended = _end(task)
        if ended is None:
            return
        if task.how == "deactivated" and not task.is_second_look:
            worker.look_again(task)
        send_ended(task.user, task.email, ended, task.how, sender=task.sender)
    except MetabaseError as error:
        log_not_ended(task.pk, str(error))
    except Exception as error:  # noqa: BLE001 - the thread must go on
        log_not_ended(task.pk, type(error).__name__)
    finally:
        connections.close_all()


def _end(task: Task) -> int | None:
    """End the access. Return the id of the account, or None if there was nothing to end."""
    with opened(CALL_TIMEOUT) as api:
        if task.how == "sessions":
            account = accounts.find_by_email(api, task.email)
            if account is None:
                return None
            accounts.revoke(api, account.id)
            return account.id
        if _is_back(task):
            return None
        deactivated = accounts.deactivate_email(api, task.email, but=task.pk)
        return None if deactivated is None else deactivated.id


def _is_back(task: Task) -> bool:
    """Return whether the user is active again: reactivated, or registered again."""
    return any(user.is_active for user in users_by_email([task.email]).get(task.email, []))


def _running() -> Worker:
    global _worker  # noqa: PLW0603
    with _lock:
        if _worker is None or _worker.pid != os.getpid():
            _worker = Worker()
            _worker.thread.start()
        return _worker
