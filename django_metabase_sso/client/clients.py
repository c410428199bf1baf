"""The client, and the same client for asynchronous code."""

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

LONGEST_WAIT: Final = 60  # seconds that a call waits while another call of the client signs in
STILL_SIGNING_IN: Final = (
    f"Metabase: another call of the same client has been signing in for {LONGEST_WAIT} seconds."
)


class BaseClient(ABC, Generic[Http, Transport, Answer_co]):
    """The methods that both clients have. `request` has the documentation."""

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
        self._failure: MetabaseError | None = None  # of the last failed sign-in

    @property
    def _http(self) -> Http:
        if self._opened is None:
            raise RuntimeError(
                "use the client in a block: 'with MetabaseClient(user) as client', "
                "or 'async with AsyncMetabaseClient(user) as client'"
            )
        return self._opened

    @abstractmethod
    def request(self, method: str, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a request as the user."""

    def get(self, path: str, **options: Unpack[Options]) -> Answer_co:
        """Send a GET request as the user. It is sent once more if the connection fails."""
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
        """Return the request that signs in, and the marker of this sign-in."""
        request = requests.sign_in(self._http, grant, self._timeout)
        return request, self._store.begin(grant)

    def _after_waiting(
        self, grant: Grant, rejected: Secret | None, before: MetabaseError | None
    ) -> Secret | None:
        """Return the session of the call that this one waited for, or raise its exception.

        `before` is the last failure from before this call started to wait. Each call raises its
        own copy of an exception.
        """
        session = self._store.get(grant, rejected)
        if session is None and self._failure is not None and self._failure is not before:
            raise copy.copy(self._failure)
        return session


class MetabaseClient(BaseClient[httpx.Client, httpx.BaseTransport, httpx.Response]):
    """Calls Metabase's API as `user`, in a `with` block.

    Before each call, the user is read from the database again, and access and claims are
    evaluated. `request` is passed to the project's callables. The Metabase session is kept in the
    Django cache with the alias `cache`. `timeout` is an `httpx.Timeout`, or the seconds of each
    wait. The threads of a process share their connections. If you pass a `transport`, it is used
    instead, and you close it yourself.

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
        self._opened = None  # not closed: other threads or the caller use the connections

    def request(self, method: str, path: str, **options: Unpack[Options]) -> httpx.Response:
        """Send a request as the user, and return the response if it is a success.

        `path` begins with one `/` and may have a query. The options are those of httpx: params,
        json, content, data, files, headers, timeout. After a 401, the client signs in again and
        repeats the request once.

        Raises AccessRefused if the user may not have a token, MetabaseRefused for a 4xx response,
        MetabaseUnavailable without a usable response, ValueError and TypeError for invalid
        arguments, RuntimeError if a receiver or a callable of the project makes the call while a
        token for the same user is being signed, and all exceptions of `tokens.issue_token`.
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
        """Drop the user's sessions from the cache, and end the current session in Metabase.

        Raises MetabaseUnavailable or MetabaseRefused if Metabase did not end the session, and
        AccessRefused if the user may no longer have a token. The cache is cleared in all cases.
        """
        session = self._store.leave()
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
            except Exception as error:  # noqa: BLE001 - a project's transport may raise anything
                problem = errors.unavailable(request, error)
                if not requests.may_repeat(request, error):
                    break
        raise problem  # outside of the except block: its context would have the session


class AsyncMetabaseClient(
    BaseClient[httpx.AsyncClient, httpx.AsyncBaseTransport, Awaitable[httpx.Response]]
):
    """`MetabaseClient` for asynchronous code, in an `async with` block.

    Connections belong to an event loop, so each block opens its own. If you pass a `transport`, it
    is used instead, and you close it yourself. The database and the cache are used through
    `sync_to_async`.

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
        """Drop the user's sessions and end the current one, as `MetabaseClient.logout` does."""
        session = await sync_to_async(self._store.leave)()
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
            except Exception as error:  # noqa: BLE001 - a project's transport may raise anything
                problem = errors.unavailable(request, error)
                if not requests.may_repeat(request, error):
                    break
        raise problem  # outside of the except block: its context would have the session


# Connections

_shared: dict[int, httpx.Client] = {}  # by process id


def shared_http() -> httpx.Client:
    """Return the httpx client of this process. A fork does not use its parent's sockets."""
    pid = os.getpid()
    # If two threads create a client at once, one is discarded. It has not opened a connection.
    return _shared.get(pid) or _shared.setdefault(pid, httpx.Client(**_http_options()))


@atexit.register
def close_shared() -> None:
    """Close this process's connections. The next call opens new ones."""
    http = _shared.pop(os.getpid(), None)
    if http is not None:
        http.close()


def _http_options() -> dict[str, Any]:
    """Return the arguments of an httpx client that follows no redirects and keeps no cookies.

    With `trust_env` off, proxies from the environment (HTTP_PROXY) and passwords from ~/.netrc are
    ignored, so a token is sent to Metabase only. Projects set a proxy with `transport`.
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
    """Return the certificates that verify servers. Reading them takes longer than a call."""
    return httpx.create_ssl_context()
