"""The table of Metabase's error texts."""

from __future__ import annotations

import pytest

from django_metabase_sso.troubleshooting import ERROR_TEXTS, ErrorText, lookup
from tests.test_docs import ROOT, rows


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
