from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache

from django_metabase_sso.client import AsyncMetabaseClient, MetabaseClient, pool
from tests.client.faulty import Faulty, faulty
from tests.conftest import Configure
from tests.e2e.servers import standin

Serve = Callable[..., Faulty]


class Sync:
    """The synchronous client, one block for each call."""

    def call(self, user: Any, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        own = {name: options.pop(name) for name in ("cache", "timeout") if name in options}
        with MetabaseClient(user, options.pop("request", None), **own) as client:
            return client.request(method, path, **options)

    def logout(self, user: Any) -> None:
        with MetabaseClient(user) as client:
            client.logout()


class Async(Sync):
    """Its twin, called the same way."""

    def call(self, user: Any, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        own = {name: options.pop(name) for name in ("cache", "timeout") if name in options}

        async def ask() -> httpx.Response:
            async with AsyncMetabaseClient(user, options.pop("request", None), **own) as client:
                return await client.request(method, path, **options)

        return async_to_sync(ask)()

    def logout(self, user: Any) -> None:
        async def leave() -> None:
            async with AsyncMetabaseClient(user) as client:
                await client.logout()

        async_to_sync(leave)()


@pytest.fixture(params=[Sync, Async])
def twin(request: pytest.FixtureRequest) -> Sync:
    """The one client and the other: both have to do the same."""
    made: Sync = request.param()
    return made


class Metabase:
    """The stand-in, which runs in a process of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def state(self) -> Any:
        return httpx.get(f"{self.url}/standin/state").json()

    def sign_ins(self) -> list[str]:
        """Return the addresses that signed in, in order."""
        found = self.state()["sign_ins"]
        assert {entry["how"] for entry in found} <= {"to_session"}
        return [entry["email"] for entry in found]

    def reset(self) -> None:
        """Forget all accounts and sessions."""
        httpx.post(f"{self.url}/standin/reset").raise_for_status()

    def change(self, **settings: Any) -> None:
        httpx.patch(f"{self.url}/standin/settings", json=settings).raise_for_status()


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
    servers = []

    def start(*answers: bytes, prefix: str = "") -> Faulty:
        running = faulty(*answers)
        server = running.__enter__()
        servers.append(running)
        configure(INSTANCE_URL=server.url + prefix)
        return server

    yield start
    for running in servers:
        running.__exit__(None, None, None)


@pytest.fixture(autouse=True)
def as_new() -> Iterator[None]:
    yield
    cache.clear()
    pool.close()
