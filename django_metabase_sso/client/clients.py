"""The client, and its twin for asynchronous code: the same steps, awaited."""

from __future__ import annotations

import asyncio
import atexit
import copy
import os
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache as cached
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import httpx
from asgiref.sync import sync_to_async

from django_metabase_sso.client import errors, requests, responses
from django_metabase_sso.client.requests import TIMEOUT, Options, Timeout
from django_metabase_sso.client.sessions import Store
from django_metabase_sso.conf.addresses import LOCALE_HEADER, SESSION_HEADER
from django_metabase_sso.conf.secrets import Secret
from django_metabase_sso.exceptions import MetabaseError, MetabaseUnavailable
from django_metabase_sso.tokens import Grant

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest
    from typing_extensions import Self, Unpack

Http = TypeVar("Http", bound=httpx.Client | httpx.AsyncClient)
Transport = TypeVar("Transport", bound=httpx.BaseTransport | httpx.AsyncBaseTransport)
Answer_co = TypeVar("Answer_co", covariant=True)

LONGEST_WAIT: Final = 60  # seconds that a call waits for another one of its client to sign in
STILL_SIGNING_IN: Final = (
    f"Metabase: another call of the same client has been signing in for {LONGEST_WAIT} seconds."
)


class BaseClient(ABC, Generic[Http, Transport, Answer_co]):
    """What the two have in common. `request` does everything, and has the documentation."""

    def __init__(
        self,
        user: AbstractBaseUser,
        request: HttpRequest | None = None,
        *,
        cache: str | None = None,
        timeout: Timeout = TIMEOUT,
        transport: Transport | None = None,
    ) -> None:
        self._store = Store(user, request, cache)
        self._timeout = timeout
        self._transport = transport
        self._opened: Http | None = None
        self._failure: MetabaseError | None = None  # of the last sign-in that failed

    @property
    def _http(self) -> Http:
        if self._opened is None:
            raise RuntimeError(
                "use the client in a block: with MetabaseClient(user) as client, "
                "or async with AsyncMetabaseClient(user) as client"
            )
        return self._opened

    @abstractmethod
    def request(self, method: str, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a request as the user."""

    def get(self, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a GET request as the user, again where the connection fails; see `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a POST request as the user; see `request`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a PUT request as the user; see `request`."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a PATCH request as the user; see `request`."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a DELETE request as the user; see `request`."""
        return self.request("DELETE", path, **options)

    def _begin(self, grant: Grant) -> tuple[httpx.Request, str | None]:
        """Return the request that signs in, and the mark of this sign-in."""
        request = requests.sign_in(self._http, grant, self._timeout)
        return request, self._store.begin(grant)

    def _after_waiting(
        self, grant: Grant, rejected: Secret | None, before: MetabaseError | None
    ) -> Secret | None:
        """Return the session of the call that this one waited for, or raise what it raised.

        `before` is the failure that was known when this call began to wait. An exception belongs
        to one call, so each gets a copy.
        """
        session = self._store.get(grant, rejected)
        if session is None and self._failure is not None and self._failure is not before:
            raise copy.copy(self._failure)
        return session


class MetabaseClient(BaseClient[httpx.Client, httpx.BaseTransport, httpx.Response]):
    """Calls Metabase's API as `user`, in a `with` block.

    The user is read from the database again, and access and claims are evaluated, before each
    call. `request` is what the project's callables get. The session is kept in the Django cache
    that `cache` names. `timeout` is in seconds, for each wait, or an `httpx.Timeout`. The threads
    of a process share their connections, unless there is a `transport`, which stays the caller's.

    Threads may share a client: one of them signs in while the others wait.
    """

    _lock: threading.Lock

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        if self._transport is None:
            self._opened = shared_http()
        else:
            self._opened = httpx.Client(transport=self._transport, **_http_options())
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
        arguments that may not be sent, RuntimeError when a receiver or a callable of the project
        makes the call while a token for the same user is made, and whatever `tokens.issue_token`
        raises.
        """
        options.setdefault("timeout", self._timeout)
        request = requests.build(self._http, method, path, options)
        session = None
        for _ in range(2):
            session = self._session(rejected=session)
            request.headers[SESSION_HEADER] = session.reveal().decode()
            response = self._send(request)
            if response.status_code != httpx.codes.UNAUTHORIZED:
                break
        return responses.checked(response)

    def logout(self) -> None:
        """Drop the user's sessions from the cache, and end the present one in Metabase.

        Raises AccessRefused, after dropping them, when the user may have no token any longer;
        MetabaseUnavailable and MetabaseRefused when Metabase did not end it.
        """
        _, session = self._store.leave()
        if session is not None:
            request = requests.sign_out(self._http, session, self._timeout)
            responses.check_ended(self._send(request))

    def _session(self, rejected: Secret | None) -> Secret:
        grant, session = self._store.find(rejected)
        if session is not None:
            return session
        before = self._failure
        with self._turn():
            return self._after_waiting(grant, rejected, before) or self._sign_in(grant)

    def _sign_in(self, grant: Grant) -> Secret:
        request, mark = self._begin(grant)
        try:
            session = responses.session_of(self._send(request))
        except MetabaseError as error:
            self._failure = copy.copy(error)
            raise
        self._store.keep(grant, mark, session)
        return session

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=LONGEST_WAIT):
            raise MetabaseUnavailable(STILL_SIGNING_IN)
        try:
            yield
        finally:
            self._lock.release()

    def _send(self, request: httpx.Request) -> httpx.Response:
        for _ in range(2):
            try:
                return self._http.send(request)
            except Exception as error:  # noqa: BLE001 - a transport of the project's raises anything
                problem = errors.unavailable(request, error)
                if not requests.may_repeat(request, error):
                    break
        raise problem  # out here it has no context, and so no request with a session


class AsyncMetabaseClient(
    BaseClient[httpx.AsyncClient, httpx.AsyncBaseTransport, Awaitable[httpx.Response]]
):
    """`MetabaseClient` for asynchronous code, in an `async with` block.

    Connections belong to an event loop, so each block has its own, unless there is a `transport`,
    which stays the caller's. The database and the cache are asked through `sync_to_async`.

    Tasks may share a client: one of them signs in while the others wait.
    """

    _lock: asyncio.Lock

    async def __aenter__(self) -> Self:
        self._lock = asyncio.Lock()
        self._opened = httpx.AsyncClient(transport=self._transport, **_http_options())
        return self

    async def __aexit__(self, *exception: object) -> None:
        http, self._opened = self._http, None
        if self._transport is None:
            await http.aclose()

    async def request(self, method: str, path: str, **options: Unpack[Options]) -> httpx.Response:
        """Send a request as the user, as `MetabaseClient.request` does."""
        options.setdefault("timeout", self._timeout)
        request = requests.build(self._http, method, path, options)
        session = None
        for _ in range(2):
            session = await self._session(rejected=session)
            request.headers[SESSION_HEADER] = session.reveal().decode()
            response = await self._send(request)
            if response.status_code != httpx.codes.UNAUTHORIZED:
                break
        return responses.checked(response)

    async def logout(self) -> None:
        """Drop the user's sessions, and end the present one, as `MetabaseClient.logout` does."""
        _, session = await sync_to_async(self._store.leave)()
        if session is not None:
            request = requests.sign_out(self._http, session, self._timeout)
            responses.check_ended(await self._send(request))

    async def _session(self, rejected: Secret | None) -> Secret:
        grant, session = await sync_to_async(self._store.find)(rejected)
        if session is not None:
            return session
        before = self._failure
        async with self._turn():
            kept = await sync_to_async(self._after_waiting)(grant, rejected, before)
            return kept or await self._sign_in(grant)

    async def _sign_in(self, grant: Grant) -> Secret:
        request, mark = await sync_to_async(self._begin)(grant)
        try:
            session = responses.session_of(await self._send(request))
        except MetabaseError as error:
            self._failure = copy.copy(error)
            raise
        await sync_to_async(self._store.keep)(grant, mark, session)
        return session

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            await asyncio.wait_for(self._lock.acquire(), LONGEST_WAIT)
        except asyncio.TimeoutError:
            raise MetabaseUnavailable(STILL_SIGNING_IN) from None
        try:
            yield
        finally:
            self._lock.release()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        for _ in range(2):
            try:
                return await self._http.send(request)
            except Exception as error:  # noqa: BLE001 - a transport of the project's raises anything
                problem = errors.unavailable(request, error)
                if not requests.may_repeat(request, error):
                    break
        raise problem  # out here it has no context, and so no request with a session


# Connections

_shared: dict[int, httpx.Client] = {}  # by process


def shared_http() -> httpx.Client:
    """Return the httpx client of this process; a fork gets its own, not its parent's sockets."""
    pid = os.getpid()
    # Where two threads make one each, the one that is not kept has opened nothing yet.
    return _shared.get(pid) or _shared.setdefault(pid, httpx.Client(**_http_options()))


@atexit.register
def close_shared() -> None:
    """Close this process's connections; the next call opens new ones."""
    http = _shared.pop(os.getpid(), None)
    if http is not None:
        http.close()


def _http_options() -> dict[str, Any]:
    """Return the arguments of an httpx client that goes nowhere else and keeps no cookies.

    Without `trust_env`, proxies of the environment (HTTP_PROXY) and passwords of ~/.netrc are
    ignored: a token is sent to Metabase only. A project gives a proxy by its `transport`.
    """
    return {
        "follow_redirects": False,
        "trust_env": False,
        "cookies": CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        "verify": _certificates(),
        "headers": {"User-Agent": "django-metabase-sso", LOCALE_HEADER: "en"},
    }


@cached
def _certificates() -> ssl.SSLContext:
    """Return what servers are verified by; reading it takes longer than a call."""
    return httpx.create_ssl_context()
