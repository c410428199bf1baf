"""What a call to Metabase raises, and what it says. Nothing of it holds a token or a session."""

from __future__ import annotations

from typing import Final

import httpx

from django_metabase_sso.conf.addresses import SERVER_SIGN_IN
from django_metabase_sso.exceptions import MetabaseRefused, MetabaseUnavailable
from django_metabase_sso.troubleshooting import ErrorText, by_status, lookup

SENTENCES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.TimeoutException, "no answer in time"),
    (httpx.ConnectError, "no connection"),
    (httpx.RemoteProtocolError, "the answer broke off, or was not HTTP"),
    (httpx.DecodingError, "the answer could not be decoded"),
    (Exception, "the call failed"),
)
NO_ENDPOINT: Final = ErrorText(
    "",
    httpx.codes.NOT_FOUND,
    "sign-in",
    "This Metabase has no sign-in for servers, or INSTANCE_URL is not its address.",
    "Use Metabase 56 or newer, and check METABASE_SSO['INSTANCE_URL'].",
)


def call_of(request: httpx.Request) -> str:
    """Return the method and the address, without the query: that may be private."""
    return f"{request.method} {request.url.copy_with(query=None)}"


def unavailable(request: httpx.Request, error: Exception) -> MetabaseUnavailable:
    """Return what to raise when there was no answer.

    Raise it outside of the `except`: the frames and the exceptions of httpx hold the session.
    """
    sentence = next(text for kind, text in SENTENCES if isinstance(error, kind))
    reason = type(error).__name__
    if isinstance(error, httpx.ConnectError) and str(error):
        reason = str(error)  # "Connection refused", "certificate verify failed"
    return MetabaseUnavailable(f"Metabase, {call_of(request)}: {sentence} ({reason}).")


def failed(request: httpx.Request, status: int, text: str, body: str) -> MetabaseUnavailable:
    """Return what to raise for a 5xx answer with this body, in which `text` is the message."""
    message = f"Metabase, {call_of(request)}: an error of the server ({status})."
    known = _known(request, body)
    if known is not None:  # a full licence is a 500
        message = f"{message[:-1]}: {text} {known.cause} {known.cure}"
    return MetabaseUnavailable(message, status)


def refused(request: httpx.Request, status: int, text: str, body: str) -> MetabaseRefused:
    """Return what to raise for a 4xx answer with this body, in which `text` is the message.

    A Metabase may be in another language or hide its messages, so the status explains a sign-in
    whose message is not known.
    """
    known = _known(request, body)
    if known is None and _is_sign_in(request):
        known = NO_ENDPOINT if status == httpx.codes.NOT_FOUND else by_status(status)
    cause, cure = (known.cause, known.cure) if known else ("", "")
    return MetabaseRefused(call_of(request), status, text, cause, cure)


def _known(request: httpx.Request, body: str) -> ErrorText | None:
    """Return what explains the message of a sign-in: other calls have other messages."""
    return lookup(body, "sign-in") if _is_sign_in(request) else None


def _is_sign_in(request: httpx.Request) -> bool:
    return request.url.path.endswith(SERVER_SIGN_IN)
