"""Reads Metabase's responses. The status decides; the message only explains."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

import httpx

from django_metabase_sso.client import errors
from django_metabase_sso.conf.addresses import SESSION_HEADER, origin_of
from django_metabase_sso.conf.secrets import Secret
from django_metabase_sso.exceptions import MetabaseUnavailable
from django_metabase_sso.troubleshooting import message_in, parsed, quoted

LONGEST_TEXT: Final = 500  # characters of Metabase's message


def session_of(response: httpx.Response) -> Secret:
    """Return the session in the response to a sign-in.

    Raises MetabaseRefused and MetabaseUnavailable. A success that is not JSON with a session did
    not come from Metabase.
    """
    _check_status(response)
    answer = parsed(_decoded(response))
    session = answer.get("session_token") if isinstance(answer, dict) else None
    if not isinstance(session, str) or not re.fullmatch(r"[!-~]{1,1000}", session):
        kind = "HTML" if _is_html(response) else "another format"
        message = (
            f"Metabase, {errors.call_of(response.request)}: the response is {kind} instead of JSON"
            " with a session. A server other than Metabase, or a proxy in front of it, responds at"
            " METABASE_SSO['INSTANCE_URL']."
        )
        raise MetabaseUnavailable(message, response.status_code)
    return Secret(session.encode())


def checked(response: httpx.Response) -> httpx.Response:
    """Return the response to a call if it is a success. Raises as `session_of` does.

    HTML below /api/ is an error, unless the call requested it with an Accept header.
    """
    _check_status(response)
    request = response.request
    if (
        _is_html(response)
        and "/api/" in request.url.path
        and "text/html" not in request.headers["Accept"]
    ):
        call = errors.call_of(request)
        message = f"Metabase, {call}: the response is HTML instead of JSON, so not from Metabase."
        raise MetabaseUnavailable(message, response.status_code)
    del request.headers[SESSION_HEADER]  # the response refers to the request, and may be shown
    return response


def check_ended(response: httpx.Response) -> None:
    """Raise as `session_of` does, unless the session has ended now or before."""
    if response.status_code not in {httpx.codes.UNAUTHORIZED, httpx.codes.NOT_FOUND}:
        _check_status(response)


def _check_status(response: httpx.Response) -> None:
    status, request = response.status_code, response.request
    if response.is_redirect and status != httpx.codes.NOT_MODIFIED:
        message = (
            f"Metabase, {errors.call_of(request)}: the response is a redirect ({status}) to"
            f" {_target(response)}, which is not followed. Set METABASE_SSO['INSTANCE_URL'] to"
            " Metabase's final address."
        )
        raise MetabaseUnavailable(message, status)
    if response.is_error:
        failed = errors.failed if response.is_server_error else errors.refused
        # No variable holds the body, which may contain the session.
        raise failed(request, status, _text(response), _said(response))


def _target(response: httpx.Response) -> str:
    """Return only the origin that a redirect leads to."""
    try:
        parts = urlsplit(response.headers.get("Location", ""))
        return origin_of(parts.scheme, parts.netloc) if parts.netloc else "the same host"
    except (ValueError, KeyError):
        return "another address"


def _is_html(response: httpx.Response) -> bool:
    return "html" in str(response.headers.get("Content-Type", "")).lower()


def _said(response: httpx.Response) -> str:
    """Return the body of a response, or "" if it is HTML."""
    return "" if _is_html(response) else _decoded(response)


def _text(response: httpx.Response) -> str:
    """Return the message in a response, safe to show: plain text, or a part of the JSON."""
    body = _said(response)
    text = message_in(body) or body
    session = response.request.headers.get(SESSION_HEADER)
    text = text.replace(session, "[hidden]") if session else text
    return quoted(" ".join(text.split()), LONGEST_TEXT)


def _decoded(response: httpx.Response) -> str:
    """Return the text of a response. JSON is UTF-8, whatever the header says."""
    return response.content.decode(errors="replace")
