"""The parameters of a guest embed."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext_lazy
from pytest_django import Settings

from django_metabase_sso.exceptions import InvalidParameter
from django_metabase_sso.tokens import ALL_ROWS
from django_metabase_sso.values.parameters import clean_parameters


class Plan(TextChoices):
    FREE = "free", "Free of charge"


class Level(Enum):
    HIGH = 3
    SINCE = datetime(2026, 11, 21, 10, 30, 0, 99)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("north", "north"),
        ("", None),
        (7, 7),
        (0, 0),
        (True, True),
        (False, False),
        (1.5, 1.5),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-10"), "0.0000000001"),
        ([Decimal("2E+1")], ["20"]),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (date(2026, 11, 21), "2026-11-21"),
        (time(10, 30), "10:30:00"),
        (datetime(2026, 11, 21, 10, 30, 0, 99), "2026-11-21T10:30:00"),  # noqa: DTZ001
        (Plan.FREE, "free"),
        (Level.HIGH, 3),
        (Level.SINCE, "2026-11-21T10:30:00"),
        (gettext_lazy("Home"), "Home"),
        (["north", "south"], ["north", "south"]),
        (("north", 2), ["north", 2]),
        ({"south", "north", "west", "east"}, ["east", "north", "south", "west"]),
        (frozenset([10, 9, "a"]), [10, 9, "a"]),
        (frozenset([UUID(int=2)]), ["00000000-0000-0000-0000-000000000002"]),
        (ALL_ROWS, []),
    ],
)
def test_values(value: Any, expected: Any) -> None:
    if expected is None:
        with pytest.raises(InvalidParameter):
            clean_parameters({"region": value})
        return
    cleaned = clean_parameters({"region": value})["region"]
    assert cleaned == expected
    assert type(cleaned) is type(expected)
    json.dumps(cleaned)


def test_an_aware_time_is_that_of_the_current_zone(settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    moment = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    assert clean_parameters({"since": moment}) == {"since": "2026-01-01T07:00:00"}


@pytest.mark.django_db
def test_querysets() -> None:
    first, second = (Group.objects.create(name=name) for name in ("a", "b"))
    groups: QuerySet[Any] = Group.objects.order_by("name")
    assert clean_parameters({"group": groups}) == {"group": [first.pk, second.pk]}
    assert clean_parameters({"group": groups.values_list("name", flat=True)}) == {
        "group": ["a", "b"]
    }
    assert clean_parameters({"group": first}) == {"group": first.pk}
    with pytest.raises(InvalidParameter, match="'group': an empty list would switch"):
        clean_parameters({"group": groups.filter(name="c")})
    with pytest.raises(InvalidParameter, match="tuple is not a string"):
        clean_parameters({"group": groups.values_list("name", "pk")})
    with pytest.raises(InvalidParameter, match="dict is not a string"):
        clean_parameters({"group": groups.values("name")})
    with pytest.raises(InvalidParameter, match="'group': None or a blank string"):
        clean_parameters({"group": Group(name="unsaved")})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None or a blank string would show all rows"),
        ("  ", "None or a blank string"),
        (gettext_lazy(" "), "None or a blank string"),
        ([], "an empty list would switch off a locked filter"),
        ((), "an empty list"),
        (set(), "an empty list"),
        (["north", None], "None or a blank string"),
        (["north", ""], "None or a blank string"),
        ([["north"]], "list is not a string"),
        ([ALL_ROWS], "AllRows is not a string"),
        ({"a": 1}, "dict is not a string"),
        (b"north", "bytes is not a string"),
        (object(), "object is not a string"),
        ((entry for entry in "ab"), "generator is not a string"),
        (float("nan"), "finite"),
        (Decimal("Infinity"), "finite"),
        (Decimal("1E+4300"), "at most 4300 digits"),
        (Decimal("sNaN"), "finite"),
        pytest.param(10**5000, "at most 4300 digits", id="too many digits"),
        (datetime.min.replace(tzinfo=timezone.utc), "before the year 1"),
        ("\ud83d", "surrogate"),
        ("first: \ud800", "surrogate"),
        ("last: \udfff", "surrogate"),
    ],
)
def test_what_is_refused(settings: Settings, value: Any, words: str) -> None:
    settings.TIME_ZONE = "America/New_York"
    with pytest.raises(InvalidParameter, match=r"^Parameter 'region': ") as caught:
        clean_parameters({"city": "Oslo", "region": value})
    assert words in str(caught.value)
    assert caught.value.parameter == "region"


@pytest.mark.parametrize("params", [None, [], "", "region", [("region", "north")], 7])
def test_params_are_a_mapping(params: Any) -> None:
    with pytest.raises(InvalidParameter, match=r"^Parameter 'params': .* is not a mapping"):
        clean_parameters(params)


@pytest.mark.parametrize("name", ["", " ", 7, None])
def test_names_are_text(name: Any) -> None:
    with pytest.raises(InvalidParameter, match="its name must be a string") as caught:
        clean_parameters({name: "north"})
    assert caught.value.parameter == str(name)


def test_names_that_no_token_can_hold() -> None:
    with pytest.raises(InvalidParameter, match="surrogate") as caught:
        clean_parameters({"\ud83d": "north"})
    assert caught.value.parameter == "\ud83d"


def test_no_parameters() -> None:
    assert clean_parameters({}) == {}


def test_all_rows_says_its_name() -> None:
    assert repr(ALL_ROWS) == "ALL_ROWS"
