"""Decodes the tokens that this package signs."""

from __future__ import annotations

from typing import Any

import jwt

from tests.settings import EMBEDDING_SECRET, SECRET


def decode(token: str) -> dict[str, Any]:
    """Return the verified claims of a token."""
    claims: dict[str, Any] = jwt.decode(token, SECRET, algorithms=["HS256"])
    return claims


def token_of(response: Any) -> str:
    """Return the token in a 200 or a redirect."""
    if response.status_code == 200:
        answer: dict[str, str] = response.json()
        assert list(answer) == ["jwt"]
        return answer["jwt"]
    assert response.status_code == 302
    before, _, after = response["Location"].partition("jwt=")
    assert before.endswith(("?", "&"))
    return str(after.partition("&")[0])


def claims_of(token: str) -> dict[str, Any]:
    """Return the verified claims of a guest token."""
    claims: dict[str, Any] = jwt.decode(token, EMBEDDING_SECRET, algorithms=["HS256"])
    return claims
