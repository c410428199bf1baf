"""`MetabaseClient`, for views, tasks and commands that are plain functions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx

from django_metabase_sso import session_cache
from django_metabase_sso.client import calls, pending
from django_metabase_sso.client.errors import MetabaseUnavailable
from django_metabase_sso.client.identity import Identity, identify, token_for
from django_metabase_sso.redacted import Token

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest


class MetabaseClient:
    """Calls Metabase as a user: `with MetabaseClient(user) as client: client.get("/api/card")`.

    `timeout` is httpx's; the default is 5 seconds to connect and 30 for each read. Each call reads
    the user from the database, and raises AccessRefused or InvalidClaim when they may not have a
    token, MetabaseRefused when Metabase says no, MetabaseUnavailable when it does not answer.
    One client is for one thread; connections are kept until its block ends.
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
        self._http = httpx.Client(**calls.options(timeout))
        self._http.cookies.jar.set_policy(calls.NO_COOKIES)

    def __enter__(self) -> MetabaseClient:  # noqa: PYI034
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET a path such as `/api/dashboard`; see `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST to a path; see `request`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        """PUT to a path; see `request`."""
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        """DELETE a path; see `request`."""
        return self.request("DELETE", path, **options)

    def request(
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
        identity = identify(self.user, self.request_of_user)
        session = self._session(identity)
        response = self._send(method, url, headers=calls.headers(session, headers), **options)
        if response.status_code == 401:
            session_cache.drop(identity.key, session)
            session = self._session(identity)
            sent = calls.headers(session, headers)
            response = self._send(method, url, headers=sent, **options)
        problem = calls.problem_of(response, session)
        if problem is not None:
            raise problem
        return response

    def logout(self) -> None:
        """End the session in Metabase, and forget it. Without one nothing happens."""
        identity = identify(self.user, self.request_of_user)
        session = session_cache.read(identity.key)
        session_cache.forget_user(identity.user)
        if session is not None:
            sent = calls.headers(session, None)
            response = self._send("DELETE", calls.address("/api/session"), headers=sent)
            problem = calls.problem_of(response, session)
            if problem is not None and response.status_code not in (401, 404):  # ended already
                raise problem

    def _session(self, identity: Identity) -> Token:
        return session_cache.read(identity.key) or self._sign_in(identity)

    def _sign_in(self, identity: Identity) -> Token:
        own, is_mine = pending.join(identity.key)
        if not is_mine:
            error = own.exception()
            if error is not None:
                raise pending.own_copy(error)
            return own.result()
        try:
            session = self._exchange_in_turn(identity)
        except BaseException as failure:
            pending.finish(identity.key, own, failure)
            raise
        pending.finish(identity.key, own, session)
        return session

    def _exchange_in_turn(self, identity: Identity) -> Token:
        deadline = time.monotonic() + session_cache.SIGN_IN_PATIENCE
        while not (found := pending.turn(identity.key)) and time.monotonic() < deadline:
            time.sleep(pending.POLL)
        if isinstance(found, Token):
            return found
        try:
            return self._exchange(identity)
        finally:
            session_cache.end_sign_in(identity.key)

    def _exchange(self, identity: Identity) -> Token:
        body = {"jwt": token_for(identity)}
        response = self._send("POST", calls.address("/auth/sso/to_session"), json=body)
        session = calls.session_in(response)
        session_cache.write(identity.key, session)
        return session

    def _send(self, method: str, url: str, **options: Any) -> httpx.Response:
        attempt = 1
        while True:
            try:
                return self._http.request(method, url, **options)
            except httpx.HTTPError as error:
                again = calls.may_repeat(method, error, attempt)
                problem = calls.sentence(error)
            # Outside of the except block: httpx's error holds the request with its headers.
            if not again:
                raise MetabaseUnavailable(problem)
            attempt += 1
