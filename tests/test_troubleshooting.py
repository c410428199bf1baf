"""The table of Metabase's error texts."""

from __future__ import annotations

import json

import pytest

from django_metabase_sso.exceptions import AccessRefused, InvalidClaim
from django_metabase_sso.troubleshooting import (
    ERROR_TEXTS,
    HIDDEN,
    ErrorText,
    Where,
    by_status,
    hide_tokens,
    lookup,
    quoted,
    refusal_of,
)
from tests.helpers.markdown import page


@pytest.mark.parametrize(
    ("where", "row"), [(where, row) for where, rows in ERROR_TEXTS.items() for row in rows]
)
def test_each_text_finds_its_own_row(where: Where, row: ErrorText) -> None:
    for text in (row.text, *row.others, *filter(None, [row.code])):
        assert lookup(text, where) is row
        assert lookup(json.dumps(text), where) is row
        assert lookup(json.dumps({"message": text, "trace": []}), where) is row
        assert lookup(json.dumps({"status": text}), where) is row
    assert row.cause.endswith(".")
    assert row.cure.endswith(".")


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("Token is expired (1700000000)", "Token is expired"),
        ("  Tenant is not active\n", "Tenant is not active"),
        ('{"via": [], "cause": "Invalid redirect URL"}', "Invalid redirect URL"),
        ('{"error": "invalid_jwt", "message": "Nein."}', "invalid_jwt"),
        (
            '{"status": "error-sso-disabled", "message": "SSO ist aus."}',
            "SSO has not been enabled and/or configured",
        ),
        (
            '{"message": "Embedded Analytics JS is disabled. Ask."}',
            "You need to turn on modular embedding",
        ),
        ('{"errors": {"slug": "wrong"}}', '{"errors"'),
        ("java.lang.ClassCastException: class x", "class java.lang.String cannot be cast"),
        ("You must specify a value for :region in the JWT", "You must specify a value for"),
    ],
)
def test_texts_as_metabase_sends_them(text: str, begins: str) -> None:
    found = lookup(text)
    assert found is not None
    assert found.text.startswith(begins)


@pytest.mark.parametrize("text", ["Message seems corrupt or manipulated", "Token is expired (7)"])
def test_guests_are_refused_for_other_reasons(text: str) -> None:
    sign_in, guest = lookup(text), lookup(text, "guest embed")
    assert sign_in is not None
    assert guest is not None
    assert (sign_in.status, guest.status) == (401, 400)
    assert "JWT" not in guest.cause + guest.cure.replace("not the JWT signing key", "")
    assert "GUEST" not in sign_in.cause + sign_in.cure


def test_hidden_messages_are_known_everywhere() -> None:
    text = '{"message": "Something went wrong"}'
    assert lookup(text) == lookup(text, "guest embed") == HIDDEN


def test_a_full_stop_makes_another_cause() -> None:
    bad_secret = lookup("Message seems corrupt or manipulated")
    bad_payload = lookup("Message seems corrupt or manipulated.")
    assert bad_secret is not None
    assert bad_payload is not None
    assert bad_secret.cause != bad_payload.cause


@pytest.mark.parametrize("status", [400, 401, 402, 403])
def test_a_status_alone_means_something(status: int) -> None:
    row = by_status(status)
    assert row is not None
    assert row.cause.endswith(".")
    assert row.cure.endswith(".")


def test_other_statuses_do_not() -> None:
    assert by_status(500) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", "Something else", '{"error": 7}', "[" * 10_000])
def test_an_unknown_text_has_no_row(text: str) -> None:
    assert lookup(text) is None


HEADINGS = {
    "sign-in": "When a user signs in",
    "guest embed": "In a guest embed",
    "Agent API": "From the Agent API",
}


@pytest.mark.parametrize("where", HEADINGS)
def test_the_documentation_has_the_same_texts(where: Where) -> None:
    section = page("docs/troubleshooting.md").text.partition(f"### {HEADINGS[where]}\n")[2]
    listed = [" ".join(item.split()) for item in section.partition("\n#")[0].split("\n- ")[1:]]
    assert listed == [documented(row) for row in ERROR_TEXTS[where]]


def documented(row: ErrorText) -> str:
    """Return the list item for a message on the page."""
    texts = "; ".join([row.text, *row.others])
    code = f", `{row.code}`" if row.code else ""
    status = row.status or "any status"
    return f"**{texts}** ({status}{code}): {row.cause} **What to do:** {row.cure}"


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
