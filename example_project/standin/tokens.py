"""Verifies tokens by the rules of buddy-sign, the library that Metabase uses.

PyJWT differs in `alg`, missing times, `exp` that is equal to now, and white space.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from example_project.standin.refusals import Refused

MAX_AGE = 180
JAVA_TYPES = {str: "String", bool: "Boolean"}


class TokenRefused(Refused):
    """Metabase answers 401 with the message of its verification library."""

    def __init__(self, text: str) -> None:
        super().__init__(text, 401)


def verify(
    token: str, secret: str, now: int, *, max_age: int | None = MAX_AGE, leeway: int = 0
) -> dict[str, Any]:
    """Return the claims of a token, or raise TokenRefused with Metabase's message.

    The signature is HS256 with the secret's UTF-8 bytes; the token's header is ignored. `exp`,
    `iat` and `nbf` are checked only if the token has them: `exp` must be later than `now` (seconds
    since 1970), and `iat` at most `max_age` seconds old; it may be in the future. `aud` and `jti`
    are ignored, and a token can be used more than once. Guest tokens have no `max_age`, but a
    `leeway` in seconds for `exp` and `nbf`.
    """
    payload = _signed_payload(token, secret)
    claims = _parsed(payload)
    expires, not_before, issued = (_time(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is not None and expires <= now - leeway:
        raise TokenRefused(f"Token is expired ({expires})")
    if not_before is not None and not_before > now + leeway:
        raise TokenRefused(f"Token is not yet valid ({not_before})")
    if max_age is not None and issued is not None and now - issued > max_age:
        raise TokenRefused(f"Token is older than max-age ({max_age})")
    return claims


def _signed_payload(token: str, secret: str) -> str:
    """Return the encoded payload, or refuse the token if the signature is wrong."""
    signed, _, signature = token.rpartition(".")
    digest = hmac.digest(secret.encode(), signed.encode(errors="replace"), hashlib.sha256)
    expected = base64.urlsafe_b64encode(digest).rstrip(b"=")
    parts = signed.split(".")
    if len(parts) != 2 or not hmac.compare_digest(signature.encode(errors="replace"), expected):
        raise TokenRefused("Message seems corrupt or manipulated")
    return parts[1]


def _parsed(payload: str) -> dict[str, Any]:
    """Return the claims, or refuse a payload that is not JSON: its message has a full stop."""
    try:
        padded = payload + "=" * (-len(payload) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        claims = json.loads(raw.decode(errors="replace"), parse_constant=_refuse_constant)
        # Java replaces a lone surrogate with a question mark.
        text = json.dumps(claims, ensure_ascii=False).encode(errors="replace")
        claims = json.loads(text)
    except (ValueError, RecursionError):
        raise TokenRefused("Message seems corrupt or manipulated.") from None
    return claims if isinstance(claims, dict) else {}


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python's parser accepts and Java's does not."""
    raise ValueError(name)


def _time(claims: dict[str, Any], name: str) -> int | float | None:
    """Return a time, or None if it is missing or null; refuse what is not a number."""
    value = claims.get(name)
    if value is None or value is False:
        return None
    if isinstance(value, (int, float)) and value is not True:
        return value
    java_type = JAVA_TYPES.get(type(value), "Object")
    raise TokenRefused(f"class java.lang.{java_type} cannot be cast to class java.lang.Number")
