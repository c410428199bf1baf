"""What Metabase's answers mean: the status decides, words only explain."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from django_metabase_sso.client import errors
from django_metabase_sso.conf.addresses import SESSION_HEADER, origin_of
from django_metabase_sso.conf.secrets import Secret
from django_metabase_sso.exceptions import MetabaseUnavailable
from django_metabase_sso.troubleshooting import quoted

LONGEST_TEXT: Final = 500  # characters of Metabase's own words


def session_of(response: httpx.Response) -> Secret:
    """Return the session of an answer to a sign-in. Raises MetabaseRefused, MetabaseUnavailable.

    A success that is not JSON with a session did not come from Metabase.
    """
    _check_status(response)
    answer = _parsed(_decoded(response))
    session = answer.get("session_token") if isinstance(answer, dict) else None
    if not isinstance(session, str) or not re.fullmatch(r"[!-~]{1,1000}", session):
        kind = "HTML" if _is_html(response) else "something else"
        message = (
            f"Metabase, {errors.call_of(response.request)}: {kind} instead of JSON with a session."
            " Another server answers at METABASE_SSO['INSTANCE_URL'], or one that stands before"
            " Metabase."
        )
        raise MetabaseUnavailable(message, response.status_code)
    return Secret(session.encode())


def checked(response: httpx.Response) -> httpx.Response:
    """Return the answer to a call when it is a success. Raises as `session_of` does.

    HTML below /api/ counts as an error unless the call asked for it with an Accept header.
    """
    _check_status(response)
    request = response.request
    if (
        _is_html(response)
        and "/api/" in request.url.path
        and "text/html" not in request.headers["Accept"]
    ):
        call = errors.call_of(request)
        message = f"Metabase, {call}: HTML instead of JSON, so it was not Metabase."
        raise MetabaseUnavailable(message, response.status_code)
    del request.headers[SESSION_HEADER]  # the answer has the request, and may be shown
    return response


def check_ended(response: httpx.Response) -> None:
    """Raise as `session_of` does unless the session has ended: now, or long ago."""
    if response.status_code not in {httpx.codes.UNAUTHORIZED, httpx.codes.NOT_FOUND}:
        _check_status(response)


def _check_status(response: httpx.Response) -> None:
    status, request = response.status_code, response.request
    if response.is_redirect and status != httpx.codes.NOT_MODIFIED:
        message = (
            f"Metabase, {errors.call_of(request)}: a redirect ({status}) to {_target(response)},"
            " which is not followed. Write Metabase's final address into"
            " METABASE_SSO['INSTANCE_URL']."
        )
        raise MetabaseUnavailable(message, status)
    if response.is_server_error:
        raise errors.failed(request, status, _text(response), _said(response))
    if response.is_client_error:
        raise errors.refused(request, status, _text(response), _said(response))


def _target(response: httpx.Response) -> str:
    """Return the origin that a redirect leads to, and no more of it."""
    try:
        parts = urlsplit(response.headers.get("Location", ""))
        return origin_of(parts.scheme, parts.netloc) if parts.netloc else "the same host"
    except (ValueError, KeyError):
        return "another address"


def _is_html(response: httpx.Response) -> bool:
    return "html" in str(response.headers.get("Content-Type", "")).lower()


def _said(response: httpx.Response) -> str:
    """Return the body of an answer, "" for a page."""
    return "" if _is_html(response) else _decoded(response)


def _text(response: httpx.Response) -> str:
    """Return the message in an answer, fit to be shown: plain text, or a part of JSON."""
    body = _said(response)
    said: Any = _parsed(body)
    if isinstance(said, dict):
        said = next((said[key] for key in ("message", "error", "errors") if said.get(key)), said)
    if said is None:
        said = body
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    session = response.request.headers.get(SESSION_HEADER)
    text = text.replace(session, "[hidden]") if session else text
    return quoted(" ".join(text.split()), LONGEST_TEXT)


def _decoded(response: httpx.Response) -> str:
    """Return the text of an answer: JSON is UTF-8, whatever a header says."""
    return response.content.decode(errors="replace")


def _parsed(text: str) -> Any:
    """Return what JSON says, None when it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
