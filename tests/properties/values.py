"""What the properties draw from: values that a project's callables could return, good and bad."""

from __future__ import annotations

import enum
from typing import Any

from django.utils.translation import gettext_lazy
from hypothesis import strategies as st


class Region(enum.Enum):
    NORTH = "north"
    NUMBER = 7
    ODD = ("a", "tuple")


def mostly(good: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for three good values and one other; `|` weighs its parts alone."""
    return st.integers(0, 3).flatmap(lambda number: other if number == 3 else good)


NAMES = ["", " ", "email", "groups", "iat", "exp", "sub", "@tenant", "@", "a/@b", "a/b", "Straße"]
any_text = st.text() | st.text(st.characters(), max_size=5) | st.sampled_from(NAMES)
# Python writes no number of more than 4,300 digits: no example with one can be shown, either.
huge = st.sampled_from([1, -1]).map(lambda sign: sign * 10**5000)
good = (
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.times()
    | st.uuids()
    | st.sampled_from([Region.NORTH, Region.NUMBER, 1e308, 5e-324, gettext_lazy("Yes")])
)
bad = st.none() | any_text | st.floats() | st.decimals() | huge | st.sampled_from([Region.ODD, 1j])
scalars = mostly(good, bad)
odd = st.binary(max_size=3) | st.lists(scalars, max_size=2) | st.sampled_from([object(), (1,)])
values = mostly(scalars, odd)
names = mostly(st.text("aé_/.", min_size=1), any_text | st.none() | st.integers())
mappings = mostly(
    st.dictionaries(st.text("aé_", min_size=1), good, max_size=4),
    st.dictionaries(names | st.sampled_from(NAMES), values, max_size=4) | values,
)
hashable = any_text | st.integers() | st.none() | huge
