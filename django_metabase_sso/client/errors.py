"""What a call to Metabase raises, and what it says. Nothing of it holds a token or a session."""

from __future__ import annotations

from typing import Final

import httpx

from django_metabase_sso.conf.addresses import SERVER_SIGN_IN
from django_metabase_sso.exceptions import MetabaseRefused, MetabaseUnavailable
from django_metabase_sso.troubleshooting import lookup

SENTENCES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.TimeoutException, "no answer in time"),
    (httpx.ConnectError, "no connection"),
    (httpx.RemoteProtocolError, "the answer broke off, or was not HTTP"),
    (httpx.DecodingError, "the answer could not be decoded"),
    (Exception, "the call failed"),
)
NO_ENDPOINT: Final = (
    "This Metabase has no sign-in for servers, or INSTANCE_URL is not its address.",
    "Use Metabase 56 or newer, and look at METABASE_SSO['INSTANCE_URL'].",
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


def failed(request: httpx.Request, status: int, text: str) -> MetabaseUnavailable:
    """Return what to raise for a 5xx answer with these words of Metabase's."""
    message = f"Metabase, {call_of(request)}: an error of the server ({status})."
    known = lookup(text)
    if known is not None:  # a full licence is a 500
        message = f"{message[:-1]}: {text} {known.cause} {known.cure}"
    return MetabaseUnavailable(message, status)


def refused(request: httpx.Request, status: int, text: str) -> MetabaseRefused:
    """Return what to raise for a 4xx answer with these words of Metabase's.

    The status decides; the words explain it where they are known. A Metabase may be in another
    language, or hide its reasons.
    """
    explained = ("", "")
    known = lookup(text)
    if known is not None:
        explained = (known.cause, known.cure)
    elif status == httpx.codes.NOT_FOUND and request.url.path.endswith(SERVER_SIGN_IN):
        explained = NO_ENDPOINT
    return MetabaseRefused(call_of(request), status, text, *explained)
