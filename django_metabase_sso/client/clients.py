"""The client, and its twin for asynchronous code: the same steps, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

import httpx
from asgiref.sync import sync_to_async

from django_metabase_sso.client import answers, calls, pool
from django_metabase_sso.client.base import BaseClient
from django_metabase_sso.client.calls import Options
from django_metabase_sso.client.errors import MetabaseError
from django_metabase_sso.client.flights import Outcome, of_coroutines, of_threads, unpacked
from django_metabase_sso.client.people import Person
from django_metabase_sso.tokens import Token

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class MetabaseClient(BaseClient[httpx.Client, httpx.BaseTransport, httpx.Response]):
    """Calls Metabase's API as `user`, in a `with` block.

    The user is read from the database again, and access and claims are evaluated, before each
    call. `request` is what the project's callables get. The session is kept in the Django cache
    that `cache` names. `timeout` is in seconds, for each wait, or an `httpx.Timeout`. The threads
    of a process share their connections, unless there is a `transport`, which stays the caller's.
    """

    def __enter__(self) -> Self:
        if self._transport is None:
            self._opened = pool.shared()
        else:
            self._opened = httpx.Client(transport=self._transport, **pool.options())
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened = None  # unclosed: the connections are everybody's, or the caller's

    def request(self, method: str, path: str, **options: Unpack[Options]) -> httpx.Response:
        """Send a request as the user, and return the answer when it is a success.

        `path` begins with one `/` and may have a query; the options are those of httpx: params,
        json, content, data, files, headers, timeout. On a 401 it signs in again and repeats the
        request, once.

        Raises AccessRefused when the user may have no token, MetabaseRefused for a 4xx answer,
        MetabaseUnavailable when there was no answer to use, ValueError and TypeError for
        arguments that may not be, and whatever `tokens.issue_token` raises.
        """
        options.setdefault("timeout", self._timeout)
        request = calls.build(self._http, method, path, options)
        for _ in range(2):
            person, session = self._session()
            request.headers[calls.SESSION_HEADER] = session
            response = self._send(request)
            if response.status_code != httpx.codes.UNAUTHORIZED:
                break
            self._store.forget(person, session)
        return answers.checked(response)

    def logout(self) -> None:
        """Drop the user's sessions from the cache, and end the present one in Metabase.

        Raises AccessRefused, after dropping them, when the user may have no token any longer;
        MetabaseUnavailable and MetabaseRefused when Metabase did not end it.
        """
        person, session = self._store.leave()
        if session is not None:
            request = calls.sign_out(self._http, person, session, self._timeout)
            answers.check_ended(self._send(request))

    def _session(self) -> tuple[Person, Token]:
        person, session = self._store.find()
        while session is None:
            flight, is_ours = of_threads.join(self._store.alias, person.key)
            session = unpacked(self._sign_in(person) if is_ours else flight.result())
        return person, session

    def _sign_in(self, person: Person) -> Outcome:
        outcome: Outcome = None
        try:
            outcome = self._exchange(person)
        except MetabaseError as error:
            outcome = error
        finally:
            of_threads.land(self._store.alias, person.key, outcome)
        return outcome

    def _exchange(self, person: Person) -> Token:
        if kept := self._store.get(person):  # somebody's flight has just landed
            return kept
        sign_in = self._store.begin(person)
        request = calls.sign_in(self._http, person, self._timeout)
        session = answers.session_of(self._send(request))
        self._store.keep(person, sign_in, session)
        return session

    def _send(self, request: httpx.Request) -> httpx.Response:
        for _ in range(2):
            try:
                return self._http.send(request)
            except httpx.HTTPError as error:
                problem = answers.unavailable(request, error)
                if not calls.may_repeat(request, error):
                    break
        raise problem  # out here it has no context, and so no request with a session


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

    async def request(self, method: str, path: str, **options: Unpack[Options]) -> httpx.Response:
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
            flight, is_ours = of_coroutines.join(self._store.alias, person.key)
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
            of_coroutines.land(self._store.alias, person.key, outcome)
        return outcome

    async def _exchange(self, person: Person) -> Token:
        if kept := await sync_to_async(self._store.get)(person):
            return kept
        sign_in = await sync_to_async(self._store.begin)(person)
        # Receivers of `token_issued` may write to the database.
        request = await sync_to_async(calls.sign_in)(self._http, person, self._timeout)
        session = answers.session_of(await self._send(request))
        await sync_to_async(self._store.keep)(person, sign_in, session)
        return session

    async def _send(self, request: httpx.Request) -> httpx.Response:
        for _ in range(2):
            try:
                return await self._http.send(request)
            except httpx.HTTPError as error:
                problem = answers.unavailable(request, error)
                if not calls.may_repeat(request, error):
                    break
        raise problem  # out here it has no context, and so no request with a session
