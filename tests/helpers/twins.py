"""Calls the synchronous and the asynchronous client in the same way."""

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
    """The synchronous client, opened and closed for each call."""

    def call(self, user: Any, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        with MetabaseClient(user, **own(options)) as client:
            return client.request(method, path, **options)

    def calls_at_once(
        self, user: Any, path: str, number: int, **options: Any
    ) -> list[httpx.Response | BaseException]:
        """Make `number` calls at once, in threads, with one client; return the results."""

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
    """The asynchronous client, called in the same way."""

    def call(self, user: Any, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with AsyncMetabaseClient(user, **own(options)) as client:
                return await client.request(method, path, **options)

        return async_to_sync(ask)()

    def calls_at_once(
        self, user: Any, path: str, number: int, **options: Any
    ) -> list[httpx.Response | BaseException]:
        """Make `number` calls at once, as tasks, with one client; return the results."""

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
    """Remove the arguments of the client itself from the options of a call; return them."""
    return {name: options.pop(name) for name in ("request", "cache", "timeout") if name in options}


class Transport(httpx.MockTransport):
    """Records the requests and answers them with a session. It must not be closed."""

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
    """Return the contents of the cache, with keys without Django's prefix."""
    keys = [key.partition(":1:")[2] for key in caches["default"]._cache]  # type: ignore[attr-defined]
    return cache.get_many(keys)
