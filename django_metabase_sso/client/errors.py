"""The exceptions of a call to Metabase. They never contain a token or a session."""

from __future__ import annotations

from typing import Final

import httpx

from django_metabase_sso.conf.addresses import SERVER_SIGN_IN
from django_metabase_sso.exceptions import MetabaseRefused, MetabaseUnavailable
from django_metabase_sso.troubleshooting import ErrorText, by_status, lookup

SENTENCES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpx.ConnectTimeout, "connecting took too long"),
    (httpx.TimeoutException, "the response took too long"),
    (httpx.ConnectError, "the connection failed"),
    (httpx.RemoteProtocolError, "the response was cut off, or was not HTTP"),
    (httpx.DecodingError, "the response could not be decoded"),
    (Exception, "the request failed"),
)
NO_ENDPOINT: Final = ErrorText(
    "",
    httpx.codes.NOT_FOUND,
    "This version of Metabase does not let servers sign in, or INSTANCE_URL is not its address.",
    "Use Metabase 56 or newer, and check METABASE_SSO['INSTANCE_URL'].",
)


def call_of(request: httpx.Request) -> str:
    """Return the method and the address, without the query, which may be private."""
    return f"{request.method} {request.url.copy_with(query=None)}"


def unavailable(request: httpx.Request, error: Exception) -> MetabaseUnavailable:
    """Return the exception for a request without a response.

    Raise it outside of the `except` block: the frames and exceptions of httpx contain the session.
    """
    sentence = next(text for kind, text in SENTENCES if isinstance(error, kind))
    reason = type(error).__name__
    if isinstance(error, httpx.ConnectError) and str(error):
        reason = str(error)  # "Connection refused", "certificate verify failed"
    return MetabaseUnavailable(f"Metabase, {call_of(request)}: {sentence} ({reason}).")


def failed(request: httpx.Request, status: int, text: str, body: str) -> MetabaseUnavailable:
    """Return the exception for a 5xx response with this body, in which `text` is the message."""
    message = f"Metabase, {call_of(request)}: the server failed ({status})."
    known = _known(request, body)
    if known is not None:  # for example, all seats of the license are taken
        message = f"{message[:-1]}: {text} {known.cause} {known.cure}"
    return MetabaseUnavailable(message, status)


def refused(request: httpx.Request, status: int, text: str, body: str) -> MetabaseRefused:
    """Return the exception for a 4xx response with this body, in which `text` is the message.

    Metabase may use another language or hide its messages. If the message of a sign-in is unknown,
    its status is explained instead.
    """
    known = _known(request, body)
    if known is None and _is_sign_in(request):
        known = NO_ENDPOINT if status == httpx.codes.NOT_FOUND else by_status(status)
    cause, cure = (known.cause, known.cure) if known else ("", "")
    return MetabaseRefused(call_of(request), status, text, cause, cure)


def _known(request: httpx.Request, body: str) -> ErrorText | None:
    """Return the explanation of a sign-in's message. Other calls have other messages."""
    return lookup(body, "sign-in") if _is_sign_in(request) else None


def _is_sign_in(request: httpx.Request) -> bool:
    return request.url.path.endswith(SERVER_SIGN_IN)
