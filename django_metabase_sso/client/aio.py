"""The client for asynchronous code: the same decisions, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

import httpx
from asgiref.sync import sync_to_async

from django_metabase_sso.client import answers, calls, pool
from django_metabase_sso.client.base import BaseClient
from django_metabase_sso.client.errors import MetabaseError
from django_metabase_sso.client.flights import Flights, Outcome, unpacked
from django_metabase_sso.client.people import Person
from django_metabase_sso.client.store import POLL
from django_metabase_sso.redacted import Token

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

_flights = Flights()


class AsyncMetabaseClient(
    BaseClient[httpx.AsyncClient, httpx.AsyncBaseTransport, Awaitable[httpx.Response]]
):
    """`MetabaseClient` for asynchronous code, in an `async with` block.

    Connections belong to an event loop, so each block has its own, unless there is a `transport`,
    which stays the caller's. The database and the cache are asked through `sync_to_async`.
    """

    async def __aenter__(self) -> Self:
        self._opened = httpx.AsyncClient(transport=self._transport, **pool.options())
        return self

    async def __aexit__(self, *exception: object) -> None:
        http, self._opened = self._http, None
        if self._transport is None:
            await http.aclose()

    async def request(
        self, method: str, path: str, **options: Unpack[calls.Options]
    ) -> httpx.Response:
        """Send a request as the user, as `MetabaseClient.request` does."""
        options.setdefault("timeout", self._timeout)
        request = calls.build(self._http, method, path, options)
        for _ in range(2):
            person, session = await self._session()
            request.headers[calls.SESSION_HEADER] = session
            response = await self._send(request)
            if response.status_code != httpx.codes.UNAUTHORIZED:
                break
            await sync_to_async(self._store.forget)(person, session)
        return answers.checked(response)

    async def logout(self) -> None:
        """Drop the user's sessions, and end the present one, as `MetabaseClient.logout` does."""
        person, session = await sync_to_async(self._store.leave)()
        if session is not None:
            request = calls.sign_out(self._http, person, session, self._timeout)
            answers.check_ended(await self._send(request))

    async def _session(self) -> tuple[Person, Token]:
        person, session = await sync_to_async(self._store.find)()
        while session is None:
            flight, is_ours = _flights.join(self._store.alias, person.key)
            outcome = self._sign_in(person) if is_ours else asyncio.wrap_future(flight)
            session = unpacked(await outcome)
        return person, session

    async def _sign_in(self, person: Person) -> Outcome:
        outcome: Outcome = None
        try:
            outcome = await self._exchange(person)
        except MetabaseError as error:
            outcome = error
        finally:
            _flights.land(self._store.alias, person.key, outcome)
        return outcome

    async def _exchange(self, person: Person) -> Token:
        store = self._store
        turn = await sync_to_async(store.begin)(person)
        try:
            while not (found := await sync_to_async(store.look)(person, turn)):
                await asyncio.sleep(POLL)
            if isinstance(found, Token):
                return found
            # Receivers of `token_issued` may write to the database.
            request = await sync_to_async(calls.sign_in)(self._http, person, self._timeout)
            session = answers.session_of(await self._send(request))
            await sync_to_async(store.keep)(person, turn, session)
            return session
        finally:
            await sync_to_async(store.end)(turn)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        for _ in range(2):
            try:
                return await self._http.send(request)
            except httpx.HTTPError as error:
                problem = answers.unavailable(request, error)
                if not calls.may_repeat(request, error):
                    break
        raise problem  # out here it has no context, and so no request with a session
