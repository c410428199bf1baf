from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache, caches
from django.db import connections

from django_metabase_sso.client import AsyncMetabaseClient, MetabaseClient
from django_metabase_sso.client.clients import close_shared
from tests.client.faulty import SESSION, Faulty, faulty
from tests.conftest import Configure
from tests.doctor import conftest as doctor
from tests.e2e.servers import standin

ME = "/api/user/current"

Serve = Callable[..., Faulty]


class Sync:
    """The synchronous client, one block for each call."""

    def call(self, user: Any, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        with MetabaseClient(user, **own(options)) as client:
            return client.request(method, path, **options)

    def calls_at_once(
        self, user: Any, path: str, number: int, **options: Any
    ) -> list[httpx.Response | BaseException]:
        """Make calls from as many threads with one client; return what each of them got."""

        def call(client: MetabaseClient) -> httpx.Response | BaseException:
            start.wait(10)
            try:
                return client.get(path, **options)
            except Exception as error:  # noqa: BLE001
                return error
            finally:
                connections.close_all()

        start = threading.Barrier(number)
        with MetabaseClient(user, **own(options)) as client, ThreadPoolExecutor(number) as threads:
            return list(threads.map(call, [client] * number))

    def logout(self, user: Any) -> None:
        with MetabaseClient(user) as client:
            client.logout()


class Async(Sync):
    """Its twin, called the same way."""

    def call(self, user: Any, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with AsyncMetabaseClient(user, **own(options)) as client:
                return await client.request(method, path, **options)

        return async_to_sync(ask)()

    def calls_at_once(
        self, user: Any, path: str, number: int, **options: Any
    ) -> list[httpx.Response | BaseException]:
        """Make calls from as many tasks with one client; return what each of them got."""

        async def ask() -> list[httpx.Response | BaseException]:
            async with AsyncMetabaseClient(user, **own(options)) as client:
                calls = [client.get(path, **options) for _ in range(number)]
                return await asyncio.gather(*calls, return_exceptions=True)

        return async_to_sync(ask)()

    def logout(self, user: Any) -> None:
        async def leave() -> None:
            async with AsyncMetabaseClient(user) as client:
                await client.logout()

        async_to_sync(leave)()


def own(options: dict[str, Any]) -> dict[str, Any]:
    """Take what a client takes, not its call, out of the options; return it."""
    return {name: options.pop(name) for name in ("request", "cache", "timeout") if name in options}


@pytest.fixture(params=[Sync, Async])
def twin(request: pytest.FixtureRequest) -> Sync:
    """The one client and the other: both have to do the same."""
    made: Sync = request.param()
    return made


class Metabase(doctor.Metabase):
    """The stand-in, which runs in a process of its own."""

    def sign_ins(self) -> list[str]:
        """Return the addresses that signed in, in order."""
        found = self.state()["sign_ins"]
        assert {entry["how"] for entry in found} <= {"to_session"}
        return [entry["email"] for entry in found]


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metabase]:
    log = tmp_path_factory.mktemp("standin") / "log"
    with standin("http://localhost/sso/metabase", [], log) as url:
        yield Metabase(url)


@pytest.fixture
def metabase(running: Metabase, configure: Configure) -> Metabase:
    """The stand-in as new, and configured."""
    running.reset()
    configure(INSTANCE_URL=running.url)
    return running


@pytest.fixture
def serve(configure: Configure) -> Iterator[Serve]:
    """Return a function that puts a faulty server where Metabase should be."""
    with ExitStack() as servers:

        def start(*answers: bytes, prefix: str = "") -> Faulty:
            server = servers.enter_context(faulty(*answers))
            configure(INSTANCE_URL=server.url + prefix)
            return server

        yield start


class Transport(httpx.MockTransport):
    """Notes the requests, gives each of them a session, and is not ours to close."""

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.requests: list[httpx.Request] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json={"session_token": SESSION})

    def close(self) -> None:
        raise AssertionError

    async def aclose(self) -> None:
        raise AssertionError


def entries() -> dict[str, Any]:
    """Return everything in the cache, without Django's prefix."""
    keys = [key.partition(":1:")[2] for key in caches["default"]._cache]  # type: ignore[attr-defined]
    return cache.get_many(keys)


@pytest.fixture(autouse=True)
def as_new() -> Iterator[None]:
    yield
    cache.clear()
    close_shared()
