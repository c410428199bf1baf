"""What is sent to Metabase, and what its answers mean: decisions, without any waiting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import httpx

from django_metabase_sso.client.errors import (
    MetabaseError,
    MetabaseRefused,
    MetabaseUnavailable,
)
from django_metabase_sso.conf import conf
from django_metabase_sso.redacted import Token

TIMEOUT: Final = httpx.Timeout(30, connect=5)  # seconds
IDEMPOTENT: Final = frozenset({"GET", "HEAD"})
ATTEMPTS: Final = 3  # for an idempotent call whose connection fails
SESSION_HEADER: Final = "X-Metabase-Session"
OUR_HEADERS: Final = frozenset({"x-metabase-session", "authorization", "cookie", "host"})
JWT: Final = re.compile(r"eyJ[\w-]+\.[\w-]+(\.[\w-]*)?")
LONGEST_TEXT: Final = 300  # characters of Metabase's text in an exception

# Cookies would carry one call's session into the next.
NO_COOKIES: Final = DefaultCookiePolicy(allowed_domains=[])


def options(timeout: httpx.Timeout | float | None) -> dict[str, Any]:
    """Return the arguments of an httpx client."""
    return {"timeout": TIMEOUT if timeout is None else timeout, "follow_redirects": False}


def address(path: str) -> str:
    """Return the URL of a path on the instance; ValueError for whatever could lead elsewhere."""
    decoded = unquote(path.partition("?")[0])
    if (
        not path.startswith("/")
        or decoded.startswith("//")
        or not (path.isascii() and path.isprintable() and decoded.isprintable())
        or set(path + decoded) & set("\\#")
        or {".", ".."} & set(decoded.split("/"))
    ):
        raise ValueError(f"{path!r} is no path on Metabase: write it like /api/dashboard.")
    return f"{conf.INSTANCE_URL}{path}"


def headers(session: Token, extra: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers of a call; ValueError for those that the client sets itself."""
    taken = sorted(name for name in extra or {} if name.lower() in OUR_HEADERS)
    if taken:
        raise ValueError(f"The header {taken[0]} is set by the client.")
    return {**(extra or {}), SESSION_HEADER: session}


def session_in(response: httpx.Response) -> Token:
    """Return the session id of an answer to the exchange; raise what else it is."""
    problem = problem_of(response)
    if problem is not None:
        raise problem
    try:
        session = response.json()["session_token"]
    except (ValueError, LookupError, TypeError):
        session = None
    if not isinstance(session, str) or not session or not session.isascii():
        raise MetabaseUnavailable(
            "What answers at INSTANCE_URL is not Metabase, or older than its /auth/sso/to_session"
            " (July 2025): it sent no session_token."
        )
    return Token(session)


def problem_of(response: httpx.Response, *hidden: str) -> MetabaseError | None:
    """Return why an answer is none; `hidden` is left out of the text."""
    status = response.status_code
    if status < 300:
        return None
    if status < 400:
        host = urlsplit(response.headers.get("Location", "")).hostname or "another address"
        return MetabaseUnavailable(
            f"INSTANCE_URL answers {status}, a redirect to {host}, which is not followed: your"
            " session would go with it. Write the address that it leads to."
        )
    text = _text(response, hidden)
    if status < 500:
        return MetabaseRefused(status, text)
    return MetabaseUnavailable(f"Metabase, or a proxy before it, answered {status}: {text}")


def sentence(error: httpx.HTTPError | httpx.InvalidURL) -> str:
    """Return what went wrong in words of ours: httpx's error holds the whole request."""
    where = conf.INSTANCE_URL.host
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        return f"No connection to Metabase at {where}: {_reason(error)}."
    if isinstance(error, httpx.TimeoutException):
        return f"Metabase at {where} did not answer in time."
    return f"Metabase at {where} broke the connection off: {_reason(error)}."


def may_repeat(method: str, error: httpx.HTTPError, attempt: int) -> bool:
    """Whether a call that failed can be made again: nothing is done twice, nobody waits twice."""
    return (
        method in IDEMPOTENT
        and attempt < ATTEMPTS
        and isinstance(error, httpx.TransportError)
        and not isinstance(error, httpx.TimeoutException)
    )


def _reason(error: Exception) -> str:
    return JWT.sub("[hidden]", str(error)).rstrip(".") or type(error).__name__


def _text(response: httpx.Response, hidden: tuple[str, ...]) -> str:
    if "html" in response.headers.get("Content-Type", ""):
        return "an HTML page"
    try:
        data = response.json()
        text = str(data.get("message") or data.get("error") or data)
    except (ValueError, AttributeError):
        text = response.text
    for secret in hidden:
        text = text.replace(secret, "[hidden]")
    return JWT.sub("[hidden]", text)[:LONGEST_TEXT]
