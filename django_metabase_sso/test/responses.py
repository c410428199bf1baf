"""Reads a response: whether it is a token, a refusal or something else."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import SIGN_IN
from django_metabase_sso.tokens import Token

REDIRECTS: Final = (301, 302, 303, 307, 308)
JWT: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")


def tokens_in(response: HttpResponseBase, *, in_pages: bool = False) -> list[Token]:
    """Return the token of a JSON response or a redirect, and those of a page with `in_pages`."""
    if response.status_code in REDIRECTS:
        before, _, query = response["Location"].partition("?")
        signs_in = before == f"{conf.INSTANCE_URL}{SIGN_IN}"
        values = parse_qs(query).get("jwt", []) if signs_in else []
    elif response.status_code != 200:
        return []
    elif _is_json(response):
        values = [text for text in [_json(response).get("jwt")] if isinstance(text, str)]
    else:
        values = sorted(set(JWT.findall(_text(response)))) if in_pages else []
    return [Token(value) for value in values]


def told(response: HttpResponseBase) -> str:
    """Describe a response, without its token."""
    status = response.status_code
    if tokens_in(response):
        return "a token"
    if status in REDIRECTS:
        target = urlsplit(response["Location"])
        if target[:3] == urlsplit(resolve_url(conf.LOGIN_URL))[:3]:
            return "a refusal, 'not-authenticated'"
        return f"a redirect to {target._replace(query='', fragment='').geturl()!r}"
    if _is_json(response):
        code = _json(response).get("code")
    else:
        code = (getattr(response, "context", None) or {}).get("code")
    if status >= 400 and isinstance(code, str):
        return f"a refusal, {code!r}"
    return f"a {status} ({response.get('Content-Type')}) without a code"


def _is_json(response: HttpResponseBase) -> bool:
    return bool(response.get("Content-Type", "").startswith("application/json"))


def _json(response: HttpResponseBase) -> dict[str, Any]:
    try:
        answer = json.loads(_text(response))
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _text(response: HttpResponseBase) -> str:
    content: bytes = getattr(response, "content", b"")  # a streaming response does not have it
    return content.decode(response.charset)
