"""Conversion of Python values to JSON's types, for attributes, parameters and elements."""

from __future__ import annotations

import math
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

from django.utils.functional import Promise

Scalar = str | bool | int | float
MOST_DIGITS: Final = 4300  # of a number: as many as Python converts to a string


def unwrapped(value: Any) -> Any:
    """Return the value of an Enum member, a lazy translation as a string, or else `value`."""
    if isinstance(value, Enum):
        value = value.value
    return str(value) if isinstance(value, Promise) else value


def plain(value: Any) -> Scalar | None:
    """Return `value` as a type that JSON has; None for None.

    Dates, times and UUIDs become strings, and Decimals become strings without an exponent. Raises
    ValueError, with the reason, for values that JSON cannot hold.
    """
    value = unwrapped(value)
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        if not _is_writable(value):
            raise ValueError(f"a number must be finite, and have at most {MOST_DIGITS} digits.")
        return format(value, "f") if isinstance(value, Decimal) else value
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise ValueError(f"{type(value).__name__} is not a string, number, bool, date or UUID.")


def _is_writable(number: float | Decimal) -> bool:
    if isinstance(number, Decimal):  # math.isfinite raises for a signalling NaN
        return number.is_finite() and abs(number.adjusted()) < MOST_DIGITS
    if not isinstance(number, int):
        return math.isfinite(number)
    try:
        return bool(str(number))
    except ValueError:
        return False
