"""For the tests of projects: read the tokens that the package signs, under settings for tests.

The functions take what Django's test client returns, and raise AssertionError with a sentence; no
token is in it. pytest also has them in the fixture `metabase_sso`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
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
"""What to put into METABASE_SSO for tests: no Metabase has these secrets."""

_UNCHECKED: Final[Any] = object()
TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_jws = PyJWS(algorithms=["HS256"])


def decode(token_or_response: str | HttpResponseBase) -> dict[str, Any]:
    """Return the claims of a token, or of the one in an answer: JSON, or a redirect to Metabase.

    Raises AssertionError when there is none, or JWT_SHARED_SECRET did not sign it. The times are
    not compared with the clock, which tests like to stop.
    """
    __tracebackhide__ = True
    token = _token_of(token_or_response)
    return _verified(token, conf.JWT_SHARED_SECRET, "JWT_SHARED_SECRET")


def decode_guest(token_or_response: str | HttpResponseBase) -> dict[str, Any]:
    """Return the claims (`resource`, `params`, `exp`) of a guest token.

    It may be in the JSON of the guest token endpoint, or in a page with one guest embed. Raises
    AssertionError when there is none, or EMBEDDING_SECRET_KEY did not sign it.
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
    """Check that an answer, or a token, signs this person in to Metabase; return all its claims.

    Only what is given is compared. `email` is, upper or lower case. `groups` are all of them, in
    any order, because Metabase ends every other membership; None is "no such claim". Of
    `attributes` there may be others; those that are None or blank must be missing. `tenant=None`
    is "no tenant". Raises AssertionError that names the first difference.
    """
    __tracebackhide__ = True
    claims = decode(response)
    for name in ("iat", "exp"):
        if type(claims.get(name)) is not int:
            raise AssertionError(f"The claim {name!r} is {claims.get(name)!r}, no whole number.")
    if claims["exp"] <= claims["iat"]:
        raise AssertionError("The token expires before it begins: 'exp' is not after 'iat'.")
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
    """Check that an answer is a refusal with this code, as JSON or as a page.

    For `not-authenticated` the redirect to the login page also is one. Raises AssertionError that
    says what came instead.
    """
    __tracebackhide__ = True
    told = responses.told(response)
    if told != f"a refusal, {code!r}":
        raise AssertionError(f"Expected a refusal, {code!r}; got {told}.")


class Helpers:
    """What the fixture `metabase_sso` is: the functions of this module, and `configure`.

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
    raise AssertionError(f"The answer has no token; it is {responses.told(source)}.")


def _verified(token: Token, secret: Secret, key: str) -> dict[str, Any]:
    __tracebackhide__ = True
    claims = _claims_of(token, secret)
    if claims is None:
        raise AssertionError(
            f"METABASE_SSO[{key!r}] of these settings did not sign this as a token (HS256)."
        )
    return claims


def _claims_of(token: Token, secret: Secret) -> dict[str, Any] | None:
    if not TOKEN.fullmatch(token):  # PyJWT 2.10 passes over what is not base64
        return None
    try:
        payload = _jws.decode(token, secret.reveal(), algorithms=["HS256"])
    except PyJWTError:
        return None  # what it says may quote the token, and its frames have it
    claims: dict[str, Any] = json.loads(payload)
    return claims


def _compare(claims: Mapping[str, Any], name: str, expected: object) -> None:
    __tracebackhide__ = True
    found = claims.get(name)
    if found != expected:
        there = "missing" if found is None else repr(found)
        wanted = "missing" if expected is None else repr(expected)
        raise AssertionError(f"The claim {name!r} is {there}; expected: {wanted}.")
