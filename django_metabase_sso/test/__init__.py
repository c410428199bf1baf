"""Functions for the tests of your project, which read the tokens that this package signs.

The functions accept the responses of Django's test client. They raise AssertionError with a
sentence that does not contain the token. With pytest, the fixture `metabase_sso` has them as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from django.http.response import HttpResponseBase
from jwt import PyJWS, PyJWTError

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.secrets import Secret
from django_metabase_sso.test import responses
from django_metabase_sso.tokens import Token, guest_secret
from django_metabase_sso.values.attributes import attributes as as_sent

__all__ = ["SETTINGS", "Helpers", "assert_refused", "assert_signs_in", "decode", "decode_guest"]

SETTINGS: Final = {
    "INSTANCE_URL": "https://metabase.example.com",
    "JWT_SHARED_SECRET": "tests-only-metabase-jwt-shared-secret",
    "EMBEDDING_SECRET_KEY": "tests-only-metabase-embedding-secret-key",
}
"""Values for METABASE_SSO in tests. No Metabase uses these secrets."""

_UNCHECKED: Final[Any] = object()
TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_jws = PyJWS(algorithms=["HS256"])


def decode(token_or_response: str | HttpResponseBase) -> dict[str, Any]:
    """Return the claims of a token, of a JSON response, or of a redirect to Metabase.

    Raises AssertionError without a token, or if it was not signed with JWT_SHARED_SECRET. The
    times are not compared with the clock, so that tests can freeze it.
    """
    __tracebackhide__ = True
    token = _token_of(token_or_response)
    return _verified(token, conf.JWT_SHARED_SECRET, "JWT_SHARED_SECRET")


def decode_guest(token_or_response: str | HttpResponseBase) -> dict[str, Any]:
    """Return the claims (`resource`, `params`, `exp`) of a guest token.

    The argument may also be the JSON response of the guest token endpoint, or a page with one
    guest embed. Raises AssertionError if the token is missing, or if it was not signed with
    EMBEDDING_SECRET_KEY.
    """
    __tracebackhide__ = True
    token = _token_of(token_or_response, in_pages=True)
    return _verified(token, guest_secret(), "EMBEDDING_SECRET_KEY")


def assert_signs_in(
    response: str | HttpResponseBase,
    *,
    email: str = _UNCHECKED,
    groups: Iterable[str] | None = _UNCHECKED,
    attributes: Mapping[str, Any] = _UNCHECKED,
    tenant: str | int | None = _UNCHECKED,
) -> dict[str, Any]:
    """Check that a response or a token signs this user in to Metabase, and return all claims.

    Only the arguments that you pass are compared. `email` ignores case. `groups` is the complete
    list in any order, because Metabase removes all other memberships; None means no such claim.
    The token may have other `attributes`; those that are None or blank must be missing.
    `tenant=None` means no tenant. Raises AssertionError that names the first difference.
    """
    __tracebackhide__ = True
    claims = decode(response)
    for name in ("iat", "exp"):
        if type(claims.get(name)) is not int:
            raise AssertionError(
                f"The claim {name!r} must be a whole number. It is {claims.get(name)!r}."
            )
    if claims["exp"] <= claims["iat"]:
        raise AssertionError("The token has already expired: 'exp' must be after 'iat'.")
    names = conf.CLAIM_NAMES
    if email is not _UNCHECKED:
        _compare(claims, names["email"], email.lower())
    if groups is not _UNCHECKED:
        name = names["groups"]
        found = {name: sorted(claims[name])} if name in claims else {}
        _compare(found, name, None if groups is None else sorted(groups))
    if attributes is not _UNCHECKED:
        expected = as_sent("attributes", attributes)
        for name in attributes:
            _compare(claims, name, expected.get(name))
    if tenant is not _UNCHECKED:
        _compare(claims, names["tenant"], None if tenant is None else str(tenant))
    return claims


def assert_refused(response: HttpResponseBase, code: str) -> None:
    """Check that a response is a refusal with this code, as JSON or as a page.

    For `not-authenticated`, a redirect to the login page counts as well. Raises AssertionError
    that says what the response is instead.
    """
    __tracebackhide__ = True
    told = responses.told(response)
    if told != f"a refusal, {code!r}":
        raise AssertionError(f"Expected a refusal, {code!r}; got {told}.")


class Helpers:
    """The value of the fixture `metabase_sso`: the functions of this module, and `configure`.

    `configure(TENANT=None)` sets keys of METABASE_SSO until the end of the test.
    """

    SETTINGS = SETTINGS
    decode = staticmethod(decode)
    decode_guest = staticmethod(decode_guest)
    assert_signs_in = staticmethod(assert_signs_in)
    assert_refused = staticmethod(assert_refused)

    def __init__(self, configure: Callable[..., None]) -> None:
        self.configure = configure


def _token_of(source: str | HttpResponseBase, *, in_pages: bool = False) -> Token:
    __tracebackhide__ = True
    if isinstance(source, str):
        return Token(source)
    found = responses.tokens_in(source, in_pages=in_pages)
    if len(found) == 1:
        return found[0]
    if found:
        raise AssertionError(f"There are {len(found)} tokens in the page: decode one of them.")
    raise AssertionError(f"The response has no token. It is {responses.told(source)}.")


def _verified(token: Token, secret: Secret, key: str) -> dict[str, Any]:
    __tracebackhide__ = True
    claims: dict[str, Any] | None = None
    if TOKEN.fullmatch(token):  # PyJWT 2.10 ignores characters that are not base64
        with suppress(PyJWTError):  # it may contain the token, in its message and its frames
            claims = json.loads(_jws.decode(token, secret.reveal(), algorithms=["HS256"]))
    if claims is None:
        raise AssertionError(
            f"This is not a token that was signed with METABASE_SSO[{key!r}] (HS256)."
        )
    return claims


def _compare(claims: Mapping[str, Any], name: str, expected: object) -> None:
    __tracebackhide__ = True
    found = claims.get(name)
    if found != expected:
        there = "missing" if found is None else repr(found)
        wanted = "missing" if expected is None else repr(expected)
        raise AssertionError(f"The claim {name!r} is {there}. Expected: {wanted}.")
