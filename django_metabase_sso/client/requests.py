"""The requests to Metabase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypedDict

import httpx

from django_metabase_sso.client import sessions
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import (
    SERVER_SIGN_IN,
    SESSION,
    SESSION_HEADER,
    path_problem,
)
from django_metabase_sso.conf.secrets import Secret
from django_metabase_sso.tokens import Grant, Token

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)  # seconds for each wait, not for the whole call
METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
# Headers that identify the caller or the server.
RESERVED: Final = frozenset(
    {"x-metabase-session", "x-api-key", "authorization", "proxy-authorization", "cookie", "host"}
)

AnyHttp = httpx.Client | httpx.AsyncClient
Timeout = float | httpx.Timeout | None


class Options(TypedDict, total=False):
    """The options of a call. They mean the same as in httpx."""

    params: Mapping[str, Any] | list[tuple[str, Any]] | str | None
    json: Any
    content: str | bytes | None
    data: Mapping[str, Any] | None
    files: Any
    headers: Mapping[str, str] | None
    timeout: Timeout


OPTIONS: Final = Options.__optional_keys__


def build(http: AnyHttp, method: str, path: str, options: Options) -> httpx.Request:
    """Return the request without a session, in a form that can be sent twice.

    Raises ValueError for a method, path or header that is not allowed, and TypeError for an
    unknown option.
    """
    method = method.upper()
    if method not in METHODS:
        raise ValueError(f"the method must be one of {', '.join(sorted(METHODS))}")
    unknown = options.keys() - OPTIONS
    if unknown:
        raise TypeError(f"unknown option: {', '.join(sorted(unknown))}")
    if options.get("params") is not None and "?" in path:
        raise ValueError("pass the query in the path or in params, not in both")
    reserved = RESERVED & set(httpx.Headers(options.get("headers")))
    if reserved:
        raise ValueError(f"the client sets these headers itself: {', '.join(sorted(reserved))}")
    request = http.build_request(method, f"{conf.INSTANCE_URL}{check_path(path)}", **options)
    request.read()
    return request


def check_path(path: str) -> str:
    """Return `path`, which may have a query.

    Raises ValueError, with the reason, if the path could lead outside of the instance's address.
    """
    problem = path_problem(path)
    if not problem and ("#" in path or not path.isprintable()):
        problem = "It contains a '#' or a control character."
    if problem:
        raise ValueError(f"the path must look like '/api/dashboard?f=all'. {problem}")
    return path


def sign_in(http: AnyHttp, grant: Grant, timeout: Timeout) -> httpx.Request:
    """Return the request that exchanges a token for a session, and send `token_issued`."""
    url = f"{conf.INSTANCE_URL}{SERVER_SIGN_IN}"
    # No variable holds the token: if a receiver raises, an error page shows the variables.
    request = http.build_request("POST", url, json={"jwt": grant.token}, timeout=timeout)
    with sessions.entered(grant.user):
        grant.announce()
    return request


def sign_out(http: AnyHttp, session: Secret, timeout: Timeout) -> httpx.Request:
    """Return the request that ends a session."""
    return http.build_request(
        "DELETE",
        f"{conf.INSTANCE_URL}{SESSION}",
        headers={SESSION_HEADER: session.reveal().decode()},
        timeout=timeout,
    )


def agent_headers(user: AbstractBaseUser, request: HttpRequest | None = None) -> dict[str, str]:
    """Return the header that Metabase's Agent API expects, with a new token for `user`.

    Metabase accepts it for 180 seconds, so request new headers before each call. Raises the
    exceptions of `tokens.issue_token`.
    """
    grant = sessions.current_grant(user, request)
    grant.sign()
    with sessions.entered(grant.user):
        grant.announce()
    return {"Authorization": Token(f"Bearer {grant.token}")}


def may_repeat(request: httpx.Request, error: Exception) -> bool:
    """Return whether to repeat a request: it only reads, and the connection failed at once.

    PUT and DELETE are idempotent in HTTP, but Metabase writes a revision for each of them.
    """
    is_passing = isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)
    return is_passing and request.method in {"GET", "HEAD"}
