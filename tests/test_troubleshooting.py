"""The table of Metabase's error texts."""

from __future__ import annotations

import pytest

from django_metabase_sso.exceptions import AccessRefused, InvalidClaim
from django_metabase_sso.troubleshooting import (
    ERROR_TEXTS,
    ErrorText,
    hide_tokens,
    lookup,
    quoted,
    refusal_of,
)
from tests.helpers.markdown import rows
from tests.helpers.paths import ROOT


@pytest.mark.parametrize("row", ERROR_TEXTS)
def test_each_text_finds_its_own_row(row: ErrorText) -> None:
    assert lookup(row.text) is row
    assert row.cause.endswith(".")
    assert row.cure.endswith(".")


def test_a_text_goes_on_after_what_is_known() -> None:
    found = lookup("Token is expired (1700000000)")
    assert found is not None
    assert "TOKEN_LIFETIME" in found.cure


def test_a_full_stop_makes_another_cause() -> None:
    bad_secret = lookup("Message seems corrupt or manipulated")
    bad_payload = lookup("Message seems corrupt or manipulated.")
    assert bad_secret is not None
    assert bad_payload is not None
    assert bad_secret.cause != bad_payload.cause


def test_an_unknown_text_has_no_row() -> None:
    assert lookup("Something else") is None


def test_the_documentation_has_the_same_table() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text()
    assert rows(page, "| Metabase says | cause | cure |") == [list(row) for row in ERROR_TEXTS]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe: 1 m², 李, 😀", "Größe: 1 m², 李, 😀"),
        ("a\nWARNING forged", r"a\nWARNING forged"),
        ("a\r\n\tb\0", r"a\r\n\tb\x00"),
        ("a\x1b[31mb\x9b31m\x7f\x85", r"a\x1b[31mb\x9b31m\x7f\x85"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("a\u202eb\u2066c\u200fd", r"a\u202eb\u2066c\u200fd"),
        ("a\u200bb\ufeffc\u00a0d\u00ade", r"a\u200bb\ufeffc\xa0d\xade"),
        ("a\ud83db", r"a\ud83db"),
        ("a\U000e0041b", r"a\U000e0041b"),
        ("jwt=eyJhbGciOi.eyJlbWFp.c2ln&a", "jwt=[hidden]&a"),
        ("Bearer\neyJhbGciOi.eyJlbWFp", r"Bearer\n[hidden]"),
        (7, "7"),
        (ValueError("a\nb"), r"a\nb"),
    ],
)
def test_what_strangers_wrote(text: object, shown: str) -> None:
    assert quoted(text) == shown
    assert shown.isprintable()


def test_what_strangers_wrote_at_length() -> None:
    assert quoted("a" * 201) == "a" * 200
    assert quoted("a" * 201, 100) == "a" * 100
    assert quoted("a" * 201, None) == "a" * 201
    token = "eyJhbGciOi.eyJlbWFp.c2ln"
    assert quoted("a" * 190 + token) == "a" * 190 + "[hidden]"


def test_hidden_tokens() -> None:
    assert hide_tokens("eyJa.eyJb.c-_d and eyJe") == "[hidden] and [hidden]"
    assert hide_tokens("two\nlines") == "two\nlines"


def test_refusals_are_one_line() -> None:
    denied = refusal_of(AccessRefused("policy", "You\nmay not\x1b[31m."))
    assert denied.message == r"You\nmay not\x1b[31m."
    assert refusal_of(InvalidClaim("a", "b\u2028c")).message == r"Claim 'a': b\u2028c"
