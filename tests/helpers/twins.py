"""The synchronous and the asynchronous client, called the same way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from asgiref.sync import async_to_sync
from django.core.cache import cache, caches
from django.db import connections

from django_metabase_sso.client import AsyncMetabaseClient, MetabaseClient
from tests.servers.faulty import SESSION, Faulty

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
