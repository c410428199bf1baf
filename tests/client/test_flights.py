"""Many ask for one user at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connections

from django_metabase_sso.client import AsyncMetabaseClient, MetabaseClient, MetabaseUnavailable
from django_metabase_sso.client.flights import Flight, Flights, of_coroutines, of_threads, unpacked
from django_metabase_sso.client.people import person
from django_metabase_sso.client.store import Store
from django_metabase_sso.tokens import Token
from tests.client.conftest import ME, Metabase, Serve, Sync
from tests.client.faulty import LIST
from tests.conftest import Configure


@pytest.fixture
def ada(transactional_db: None) -> User:
    """Ada, for other threads to see."""
    return User.objects.create_user("ada", "ada@example.com")


def ask(user: User) -> str:
    """Call from a thread of a pool."""
    try:
        with MetabaseClient(user) as client:
            return str(client.get(ME).json()["email"])
    finally:
        connections.close_all()


async def ask_async(user: User) -> str:
    async with AsyncMetabaseClient(user) as client:
        return str((await client.get(ME)).json()["email"])


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def waiting(flight: Flight) -> int:
    """Return how many threads wait for a flight."""
    condition: Any = flight._condition
    return len(condition._waiters)


def test_fifty_threads(metabase: Metabase, ada: User) -> None:
    start = threading.Barrier(50)

    def at_once(_: int) -> str:
        start.wait()
        return ask(ada)

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(at_once, range(50))) == ["ada@example.com"] * 50
    assert metabase.sign_ins() == ["ada@example.com"]


def test_fifty_coroutines(metabase: Metabase, ada: User) -> None:
    async def at_once() -> list[str]:
        return await asyncio.gather(*(ask_async(ada) for _ in range(50)))

    assert async_to_sync(at_once)() == ["ada@example.com"] * 50
    assert metabase.sign_ins() == ["ada@example.com"]


def test_after_metabase_forgot(metabase: Metabase, ada: User) -> None:
    ask(ada)
    metabase.reset()
    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(ask, [ada] * 10)) == ["ada@example.com"] * 10
    assert metabase.sign_ins() == ["ada@example.com"]


def test_different_users_do_not_wait_for_each_other(metabase: Metabase, ada: User) -> None:
    bob = User.objects.create_user("bob", "bob@example.com")
    key = person(bob, None).key
    of_threads.join("default", key)
    assert ask(ada) == "ada@example.com"
    of_threads.land("default", key, None)


def test_a_session_that_is_there_by_now(
    twin: Sync, serve: Serve, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody signed in between the look into the cache and the turn to sign in."""
    server = serve(LIST)
    store = Store(ada, None, "default")
    found, _ = store.find()
    registries = (of_threads, of_coroutines)
    for flights in registries:
        flights.join("default", found.key)
    joined, join = threading.Event(), Flights.join

    def joining(self: Flights, alias: str, key: str) -> tuple[Flight, bool]:
        joined.set()
        return join(self, alias, key)

    def sign_in() -> None:
        assert joined.wait(10)
        store.keep(found, store.begin(found), Token("its session"))
        for flights in registries:
            flights.land("default", found.key, None)

    monkeypatch.setattr(Flights, "join", joining)
    other = threading.Thread(target=sign_in)
    other.start()
    assert twin.call(ada, "/api/dashboard").json() == []
    other.join()
    assert server.calls() == ["GET /api/dashboard"]
    assert "X-Metabase-Session: its session" in server.requests[0]


# What the others get


def test_a_failure_is_shared(ada: User, configure: Configure) -> None:
    configure(INSTANCE_URL="http://127.0.0.1:9")
    key = person(ada, None).key
    flight, is_ours = of_threads.join("default", key)
    assert is_ours
    error = MetabaseUnavailable("no answer", 502)
    with ThreadPoolExecutor(5) as pool:
        asked: list[Future[str]] = [pool.submit(ask, ada) for _ in range(5)]
        wait_until(lambda: waiting(flight) == 5)
        of_threads.land("default", key, error)
        raised = [future.exception() for future in asked]
    assert [str(each) for each in raised] == ["no answer"] * 5
    assert len({id(each) for each in [error, *raised]}) == 6
    assert all(each.__context__ is None for each in raised if each)


def test_who_waits_for_someone_who_gives_up_signs_in(metabase: Metabase, ada: User) -> None:
    key = person(ada, None).key
    flight, _ = of_threads.join("default", key)
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, ada) for _ in range(2)]
        wait_until(lambda: waiting(flight) == 2)
        of_threads.land("default", key, None)
        assert [future.result() for future in asked] == ["ada@example.com"] * 2
    assert metabase.sign_ins() == ["ada@example.com"]


def test_a_coroutine_that_waits_may_be_cancelled(metabase: Metabase, ada: User) -> None:
    key = person(ada, None).key
    flight, _ = of_coroutines.join("default", key)

    async def cancel_one() -> str:
        first, second = asyncio.create_task(ask_async(ada)), asyncio.create_task(ask_async(ada))
        while len(flight._done_callbacks) < 2:  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        of_coroutines.land("default", key, None)
        return await second

    assert async_to_sync(cancel_one)() == "ada@example.com"
    assert metabase.sign_ins() == ["ada@example.com"]


def test_a_coroutine_that_signs_in_may_be_cancelled(metabase: Metabase, ada: User) -> None:
    async def cancel() -> str:
        asked = asyncio.Event()

        async def never(request: httpx.Request) -> httpx.Response:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

        async def ask_for_ever() -> None:
            transport = httpx.MockTransport(never)
            async with AsyncMetabaseClient(ada, transport=transport) as client:
                await client.get(ME)

        task = asyncio.create_task(ask_for_ever())
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await ask_async(ada)

    assert async_to_sync(cancel)() == "ada@example.com"
    assert not of_coroutines._under_way


def test_unpacked() -> None:
    assert unpacked(None) is None
    assert unpacked(Token("x")) == "x"
