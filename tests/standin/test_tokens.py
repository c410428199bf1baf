"""Which tokens pass: each rule of Metabase's verification library."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from example_project.standin.tokens import TokenRefused, verify
from tests.helpers.standin import SECRET, encoded, signed

NOW = 1_800_000_000
TIMES = {"iat": NOW, "exp": NOW + 600}
CORRUPT = "Message seems corrupt or manipulated"


def make(**claims: Any) -> str:
    return signed(json.dumps({**TIMES, **claims}).encode())


def refusal(token: str, secret: str = SECRET) -> str:
    with pytest.raises(TokenRefused) as caught:
        verify(token, secret, NOW)
    assert caught.value.status == 401
    assert str(caught.value) == caught.value.text
    return caught.value.text


def test_the_claims() -> None:
    claims = {**TIMES, "email": "ada@example.com", "groups": ["Sales"]}
    assert verify(jwt.encode(claims, SECRET, "HS256"), SECRET, NOW) == claims


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"HS256"}',
        b'{"alg":"HS256","typ":"anything","kid":"1","cty":"x"}',
        b'{"alg":"none"}',
        b'{"alg":"RS256"}',
        b"{}",
    ],
)
def test_the_header_is_not_read(header: bytes) -> None:
    assert verify(signed(json.dumps(TIMES).encode(), header=header), SECRET, NOW) == TIMES


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_other_algorithms(algorithm: str) -> None:
    header = json.dumps({"alg": f"HS{algorithm[3:]}"}).encode()
    forged = signed(json.dumps(TIMES).encode(), algorithm=algorithm, header=header)
    assert refusal(forged) == CORRUPT


def test_no_algorithm() -> None:
    payload = encoded(json.dumps(TIMES).encode())
    assert refusal(f"{encoded(b'{}')}.{payload}.") == CORRUPT
    assert refusal(f"{encoded(b'{}')}.{payload}") == CORRUPT


@pytest.mark.parametrize(
    "secret",
    ["another", f"{SECRET}\n", f" {SECRET}", f"\ufeff{SECRET}", SECRET.upper(), ""],
)
def test_another_secret(secret: str) -> None:
    assert refusal(make(), secret) == CORRUPT


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("61" * 32, bytes.fromhex("61" * 32).decode()),
        ("YWJj" * 10, "abc" * 10),
        ("caf\u00e9" * 8, "cafe\u0301" * 8),
    ],
)
def test_secrets_are_not_decoded_or_normalised(ours: str, theirs: str) -> None:
    payload = json.dumps(TIMES).encode()
    assert verify(signed(payload, ours), ours, NOW) == TIMES
    assert refusal(signed(payload, ours), theirs) == CORRUPT


@pytest.mark.parametrize("secret", ["", "x"])
def test_weak_secrets_are_accepted(secret: str) -> None:
    assert verify(signed(json.dumps(TIMES).encode(), secret), secret, NOW) == TIMES


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({"exp": NOW}, f"Token is expired ({NOW})"),
        ({"exp": NOW - 1}, f"Token is expired ({NOW - 1})"),
        ({"exp": 0}, "Token is expired (0)"),
        ({"iat": NOW - 181}, "Token is older than max-age (180)"),
        ({"nbf": NOW + 1}, f"Token is not yet valid ({NOW + 1})"),
        ({"exp": NOW, "iat": 0, "nbf": NOW + 1}, f"Token is expired ({NOW})"),
        ({"iat": 0, "nbf": NOW + 1}, f"Token is not yet valid ({NOW + 1})"),
    ],
)
def test_times_that_are_refused(claims: dict[str, Any], text: str) -> None:
    assert refusal(make(**claims)) == text


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW + 1},
        {"exp": NOW + 0.5},
        {"exp": None},
        {"exp": False},
        {"iat": NOW - 180},
        {"iat": NOW + 3600},
        {"iat": None},
        {"nbf": NOW},
        {"aud": "another", "iss": 1, "jti": ["x"]},
    ],
)
def test_times_that_pass(claims: dict[str, Any]) -> None:
    assert verify(make(**claims), SECRET, NOW) == {**TIMES, **claims}


@pytest.mark.parametrize("name", ["exp", "iat"])
def test_times_may_be_missing(name: str) -> None:
    """Without `iat` the limit of 180 seconds is off."""
    claims = {key: value for key, value in TIMES.items() if key != name}
    assert verify(signed(json.dumps(claims).encode()), SECRET, NOW) == claims


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(("value", "kind"), [("1", "String"), (True, "Boolean"), ([], "Object")])
def test_times_of_another_type(name: str, value: object, kind: str) -> None:
    text = refusal(make(**{name: value}))
    assert text == f"class java.lang.{kind} cannot be cast to class java.lang.Number"


def test_a_token_can_be_used_again() -> None:
    token = make()
    assert verify(token, SECRET, NOW) == verify(token, SECRET, NOW + 180)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_are_not_json(value: str) -> None:
    assert refusal(signed(b'{"score": %s}' % value.encode())) == f"{CORRUPT}."


@pytest.mark.parametrize(
    "payload", [b"hello", b"", b"{", b"{'a': 1}", b"[" * 100_000, b'{"a": "\n"}']
)
def test_a_payload_that_is_not_json(payload: bytes) -> None:
    """A full stop: the signature was right."""
    assert refusal(signed(payload)) == f"{CORRUPT}."


def test_a_payload_that_is_not_base64() -> None:
    message = f"{encoded(b'{}')}.!!!"
    signature = signed(b"").partition(".")[2]
    assert refusal(f"{message}.{signature}") == CORRUPT


@pytest.mark.parametrize("payload", [b"[1]", b'"text"', b"null", b"42"])
def test_json_that_is_no_object_has_no_claims(payload: bytes) -> None:
    assert verify(signed(payload), SECRET, NOW) == {}


@pytest.mark.parametrize(
    "claims",
    [
        {"name": "Zoë Łukasz 李 🎉"},
        {"a.b": 1, "a b": 2, "a/b": 3, "@a": 4, "é": 5},
        {"big": "x" * 1_000_000},
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_any_text(claims: dict[str, Any], ascii_only: bool) -> None:
    payload = json.dumps(claims, ensure_ascii=ascii_only).encode()
    assert verify(signed(payload), SECRET, NOW) == claims


def test_a_lone_surrogate_is_damaged() -> None:
    assert verify(signed(rb'{"name": "a\ud83db"}'), SECRET, NOW) == {"name": "a?b"}


@pytest.mark.parametrize(
    "form",
    ["{}\n", "{} ", " {}", '"{}"', "b'{}'", "Bearer {}", "{}=", "{}.", "{}.x", "\ud83d{}", "{}é"],
)
def test_anything_around_the_token(form: str) -> None:
    assert refusal(form.format(make())) == CORRUPT


@pytest.mark.parametrize("token", ["", ".", "..", "a", "a.b", "a.b.c", "a.b.c.d"])
def test_no_token_at_all(token: str) -> None:
    assert refusal(token) == CORRUPT
