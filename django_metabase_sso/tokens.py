"""From claims to a signed token."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jwt import InvalidKeyError, PyJWS

from django_metabase_sso import access, claims
from django_metabase_sso.conf import conf
from django_metabase_sso.exceptions import AccessRefused, BadSetting
from django_metabase_sso.redacted import Secret, Token
from django_metabase_sso.secret import NEW_SECRET
from django_metabase_sso.signals import send_issued, send_refused

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

__all__ = ["issue_token"]

_jws = PyJWS(algorithms=["HS256"])  # Metabase takes no other algorithm
# Raw UTF-8, without \u escapes: names in other scripts take half the bytes.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def issue_token(user: AbstractBaseUser, request: HttpRequest | None = None) -> Token:
    """Return a signed token for `user`, by the same policy and with the same claims as the view.

    The result is a str that hides itself in a `repr`. Raises AccessRefused with a `code` and a
    `message`; InvalidClaim; ImproperlyConfigured; and whatever the project's callables raise.
    """
    try:
        impersonator = access.check_access(user, request)
        payload = with_times(claims.build(user, request))
    except AccessRefused as refusal:
        send_refused(user, request, refusal)
        raise
    token = sign(payload)
    send_issued(user, request, payload, impersonator)
    return token


def with_times(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims with `iat`, now in whole seconds, and `exp`.

    `iat` limits the use of one token to 180 s. `exp` is how long Metabase's SDK waits before it
    asks again, and the SDK fails without it (metabase/metabase#63599).
    """
    now = int(time.time())
    return {**claims, "iat": now, "exp": now + conf.TOKEN_LIFETIME}


def sign(payload: Mapping[str, Any]) -> Token:
    """Return `payload` as a token, signed HS256 with JWT_SHARED_SECRET."""
    return signed(payload, conf.JWT_SHARED_SECRET, "JWT_SHARED_SECRET")


def signed(payload: Mapping[str, Any], secret: Secret, key: str) -> Token:
    """Return `payload` as a token, signed HS256 with `secret`, which is the setting `key`."""
    token = _encoded(_encode(payload).encode(), secret)
    if token is None:
        message = f"METABASE_SSO[{key!r}] looks like a public key, not like a secret."
        raise BadSetting("E017", message, NEW_SECRET)
    return token


def _encoded(payload: bytes, secret: Secret) -> Token | None:
    try:
        return Token(_jws.encode(payload, secret, algorithm="HS256"))
    except InvalidKeyError:
        return None
