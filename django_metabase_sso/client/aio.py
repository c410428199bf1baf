"""`AsyncMetabaseClient`, for async views: the same decisions as its twin, awaited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx
from asgiref.sync import sync_to_async

from django_metabase_sso import session_cache
from django_metabase_sso.client import calls, pending
from django_metabase_sso.client.errors import MetabaseUnavailable
from django_metabase_sso.client.identity import Identity, identify, token_for
from django_metabase_sso.redacted import Token

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest


class AsyncMetabaseClient:
    """Calls Metabase as a user: `async with AsyncMetabaseClient(user) as client: ...`.

    Everything as with MetabaseClient; one client is for one event loop, and tasks may share it.
    """

    def __init__(
        self,
        user: AbstractBaseUser,
        request: HttpRequest | None = None,
        *,
        timeout: httpx.Timeout | float | None = None,
    ) -> None:
        self.user = user
        self.request_of_user = request
        self._http = httpx.AsyncClient(**calls.options(timeout))
        self._http.cookies.jar.set_policy(calls.NO_COOKIES)

    async def __aenter__(self) -> AsyncMetabaseClient:  # noqa: PYI034
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """GET a path such as `/api/dashboard`; see `request`."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx.Response:
        """POST to a path; see `request`."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> httpx.Response:
        """PUT to a path; see `request`."""
        return await self.request("PUT", path, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        """DELETE a path; see `request`."""
        return await self.request("DELETE", path, **options)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Make one call, and return Metabase's answer when its status is below 300.

        Signs in again once when Metabase has forgotten the session. GET and HEAD are repeated when
        the connection fails, nothing else is. ValueError for a path that is none of Metabase's.
        """
        url = calls.address(path)
        options = {"params": params, "json": json}
        identity = await sync_to_async(identify)(self.user, self.request_of_user)
        session = await self._session(identity)
        response = await self._send(
            method, url, headers=calls.headers(session, headers), **options
        )
        if response.status_code == 401:
            await sync_to_async(session_cache.drop)(identity.key, session)
            session = await self._session(identity)
            sent = calls.headers(session, headers)
            response = await self._send(method, url, headers=sent, **options)
        problem = calls.problem_of(response, session)
        if problem is not None:
            raise problem
        return response

    async def logout(self) -> None:
        """End the session in Metabase, and forget it. Without one nothing happens."""
        identity = await sync_to_async(identify)(self.user, self.request_of_user)
        session = await sync_to_async(session_cache.read)(identity.key)
        await sync_to_async(session_cache.forget_user)(identity.user)
        if session is not None:
            sent = calls.headers(session, None)
            response = await self._send("DELETE", calls.address("/api/session"), headers=sent)
            problem = calls.problem_of(response, session)
            if problem is not None and response.status_code not in (401, 404):  # ended already
                raise problem

    async def _session(self, identity: Identity) -> Token:
        read = sync_to_async(session_cache.read)
        return await read(identity.key) or await self._sign_in(identity)

    async def _sign_in(self, identity: Identity) -> Token:
        own, is_mine = pending.join(identity.key)
        if not is_mine:
            try:
                return await asyncio.wrap_future(own)
            except asyncio.CancelledError:
                raise
            except BaseException as failure:  # noqa: BLE001
                error = pending.own_copy(failure)
            raise error
        try:
            session = await self._exchange_in_turn(identity)
        except BaseException as failure:
            pending.finish(identity.key, own, failure)
            raise
        pending.finish(identity.key, own, session)
        return session

    async def _exchange_in_turn(self, identity: Identity) -> Token:
        deadline = time.monotonic() + session_cache.SIGN_IN_PATIENCE
        turn = sync_to_async(pending.turn)
        while not (found := await turn(identity.key)) and time.monotonic() < deadline:
            await asyncio.sleep(pending.POLL)
        if isinstance(found, Token):
            return found
        try:
            return await self._exchange(identity)
        finally:
            await sync_to_async(session_cache.end_sign_in)(identity.key)

    async def _exchange(self, identity: Identity) -> Token:
        body = {"jwt": await sync_to_async(token_for)(identity)}
        response = await self._send("POST", calls.address("/auth/sso/to_session"), json=body)
        session = calls.session_in(response)
        await sync_to_async(session_cache.write)(identity.key, session)
        return session

    async def _send(self, method: str, url: str, **options: Any) -> httpx.Response:
        attempt = 1
        while True:
            try:
                return await self._http.request(method, url, **options)
            except httpx.HTTPError as error:
                again = calls.may_repeat(method, error, attempt)
                problem = calls.sentence(error)
            # Outside of the except block: httpx's error holds the request with its headers.
            if not again:
                raise MetabaseUnavailable(problem)
            attempt += 1
