"""HTML elements with any value in their attributes."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from django_metabase_sso.exceptions import InvalidEmbed
from django_metabase_sso.values.elements import element
from tests.helpers.html import HOSTILE, read


class Size(Enum):
    LARGE = 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1.5, "1.5"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"),
        (Size.LARGE, "3"),
        (datetime(2026, 11, 21, 10, 30), "2026-11-21T10:30:00"),  # noqa: DTZ001
        (
            {"a": Decimal("1E+3"), "b": Size.LARGE, "c": gettext_lazy("Home"), "d": UUID(int=1)},
            '{"a": "1000", "b": 3, "c": "Home", "d": "00000000-0000-0000-0000-000000000001"}',
        ),
        ("north", "north"),
        (gettext_lazy("Home"), "Home"),
        (date(2026, 11, 21), "2026-11-21"),
        ({"city": "Zoë", "day": date(2026, 11, 21)}, '{"city": "Zo\\u00eb", "day": "2026-11-21"}'),
        (["a", None, True], '["a", null, true]'),
        ((1, 2), "[1, 2]"),
        ("", ""),
    ],
)
def test_values(value: Any, text: str) -> None:
    assert read(element("metabase-dashboard", {"with_title": value})) == (
        "metabase-dashboard",
        {"with-title": text},
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_values_stay_in_their_attribute(text: str) -> None:
    for value in (text, mark_safe(text)):
        assert read(element("metabase-question", {"a": value, "b": 1})) == (
            "metabase-question",
            {"a": text, "b": "1"},
        )
    _, attributes = read(element("metabase-question", {"a": {text: [text]}, "b": 1}))
    assert attributes["a"] is not None
    assert json.loads(attributes["a"]) == {text: [text]}
    assert attributes["b"] == "1"


def test_none_leaves_the_attribute_out() -> None:
    assert element("metabase-metabot", {"layout": None}) == "<metabase-metabot></metabase-metabot>"


@pytest.mark.parametrize("option", ["onclick", "on_click", "With", "a b", "a=b", "", "_a", "a-b"])
def test_what_is_no_option(option: str) -> None:
    with pytest.raises(InvalidEmbed, match="is not a valid option"):
        element("metabase-dashboard", {option: "x"})


@pytest.mark.parametrize(
    "value", [{1, 2}, object(), float("nan"), {"a": float("inf")}, {(1, 2): 3}, [b"x"]]
)
def test_what_has_no_place_in_json(value: Any) -> None:
    with pytest.raises(InvalidEmbed, match="hidden_parameters cannot be written as JSON"):
        element("metabase-dashboard", {"hidden_parameters": value})
