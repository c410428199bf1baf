from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from django.db.models import TextChoices
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from django_metabase_sso.exceptions import InvalidClaim
from django_metabase_sso.values.attributes import attributes, clean_text


class Colour(Enum):
    RED = "red"


class Size(IntEnum):
    LARGE = 3


class Plan(TextChoices):
    PRO = "pro", "Professional"


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "text"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Oslo", "Oslo"),
        (" Oslo ", " Oslo "),
        ("日本", "日本"),
        (True, "true"),
        (False, "false"),
        (42, "42"),
        (0, "0"),
        (-(10**30), "-1" + "0" * 30),
        (3.0, "3.0"),
        (-0.0, "-0.0"),
        (0.001, "0.001"),
        (0.1, "0.1"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (12345678.9, "1.23456789E7"),
        (1e21, "1.0E21"),
        (-1.5e-7, "-1.5E-7"),
        (0.0009999, "9.999E-4"),
        (Decimal("10.50"), "10.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-10"), "0.0000000001"),
        (Decimal("-1.50E+5"), "-150000"),
        (Decimal("0E+3"), "0"),
        (Decimal(f"1{'0' * 29}.00"), f"1{'0' * 29}.00"),
        ("two\nlines\r\n\tand a tab", "two\nlines\r\n\tand a tab"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc), "2026-01-02T03:04:05+00:00"),
        (time(3, 4), "03:04:00"),
        (Colour.RED, "red"),
        (Size.LARGE, "3"),
        (Plan.PRO, "pro"),
        (gettext_lazy("Sales"), "Sales"),
        (mark_safe("<b>"), "<b>"),
        (Text("x"), "text"),
    ],
)
def test_values_are_sent_as_metabase_would_store_them(value: object, text: str) -> None:
    assert attributes("USER_ATTRIBUTES", {"key": value}) == {"key": text}


@pytest.mark.parametrize("value", [None, "", "  ", " \r\n\t", gettext_lazy("")])
def test_blank_values_leave_the_key_out(value: object) -> None:
    assert attributes("USER_ATTRIBUTES", {"key": value, "other": 1}) == {"other": "1"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "list is not a string"),
        (["a"], "list is not a string"),
        (("a",), "tuple is not a string"),
        ({"a": 1}, "dict is not a string"),
        ({1}, "set is not a string"),
        (b"a", "bytes is not a string"),
        (object(), "object is not a string"),
        (timedelta(1), "timedelta is not a string"),
        (1j, "complex is not a string"),
        (math.nan, "a number must be finite"),
        (math.inf, "a number must be finite"),
        (-math.inf, "a number must be finite"),
        (Decimal("NaN"), "a number must be finite"),
        (Decimal("Infinity"), "a number must be finite"),
        (Decimal("sNaN"), "a number must be finite"),
        pytest.param(10**5000, "at most 4300 digits", id="too many digits"),
        (Decimal("1E+4300"), "at most 4300 digits"),
        (Decimal("1E-4300"), "at most 4300 digits"),
        (Decimal("1E+999999"), "at most 4300 digits"),
        ("a\x00", "contains a control character"),
        ("a\x0b", "contains a control character"),
        ("a\n\x1b[31m", "contains a control character"),
        ("\x1c", "contains a control character"),
        ("\x85", "contains a control character"),
        ("\ud83d", "half of a surrogate pair"),
    ],
)
def test_what_metabase_would_drop_or_damage_is_refused(value: object, words: str) -> None:
    with pytest.raises(InvalidClaim, match=f"^Claim 'region': .*{words}") as caught:
        attributes("USER_ATTRIBUTES", {"region": value})
    assert caught.value.claim == "region"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("@tenant", "begins with @"),
        ("@", "begins with @"),
        ("a/@b", "begins with @"),
        ("iss", "already used for a claim"),
        ("email", "already used for a claim"),
        ("bad\n", "contains a control character"),
        ("b\tad", "contains a control character"),
        ("\ud83d", "half of a surrogate pair"),
    ],
)
def test_keys_that_mean_something_else(key: str, words: str) -> None:
    with pytest.raises(InvalidClaim, match=words) as caught:
        attributes("USER_ATTRIBUTES", {key: "a"}, {"iss", "exp", "email"})
    assert caught.value.claim == key.encode("ascii", "backslashreplace").decode()


@pytest.mark.parametrize("key", ["a@b", "a/b/@c", "a.b c", "Email", "日本"])
def test_keys_that_are_fine(key: str) -> None:
    assert attributes("USER_ATTRIBUTES", {key: "a"}, {"email"}) == {key: "a"}


@pytest.mark.parametrize("key", [1, None, "", " "])
def test_keys_that_are_no_text(key: Any) -> None:
    with pytest.raises(
        InvalidClaim, match="USER_ATTRIBUTES returned a key that is not a string"
    ) as no:
        attributes("USER_ATTRIBUTES", {key: "a"})
    assert no.value.claim == str(key)


@pytest.mark.parametrize(
    ("values", "kind"), [(None, "NoneType"), ([("a", "b")], "list"), ("a", "str"), (1, "int")]
)
def test_no_mapping(values: object, kind: str) -> None:
    with pytest.raises(InvalidClaim, match=f"USER_ATTRIBUTES.* returned {kind}, not a mapping"):
        attributes("USER_ATTRIBUTES", values)


@pytest.mark.parametrize("make", [dict, MappingProxyType])
def test_any_mapping(make: Callable[[dict[str, str]], Any]) -> None:
    assert attributes("USER_ATTRIBUTES", make({"a": "b"})) == {"a": "b"}


@pytest.mark.parametrize("text", ["a\u200db", "\u00a0", "\U0001f600", "\ufeff"])
def test_other_characters_are_fine(text: str) -> None:
    assert clean_text("name", text) == text
