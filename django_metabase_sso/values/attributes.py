"""User attributes: what a project's callables return, in the form that Metabase would give it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Collection, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from django.utils.functional import Promise

from django_metabase_sso.exceptions import InvalidClaim


def attributes(source: str, values: object, reserved: Collection[str] = ()) -> dict[str, str]:
    """Return `values`, a mapping of str to scalars, as the attributes that Metabase would store.

    None and blank values leave the key out. Raises InvalidClaim, naming the key, for whatever
    Metabase would drop silently: row-level security would then see nothing. `source` names the
    setting whose callable returned `values`; keys in `reserved` are refused.
    """
    if not isinstance(values, Mapping):
        raise InvalidClaim(source, f"returned {type(values).__name__}, not a mapping.")
    found = {}
    for key, value in values.items():
        if not isinstance(key, str) or not key.strip():
            raise InvalidClaim(str(key), f"{source} returned a key that is no text.")
        clean_text(key, key)
        if key.startswith("@") or key.partition("/")[2].startswith("@"):
            raise InvalidClaim(key, "Metabase drops attributes whose name begins with @.")
        if key in reserved:
            raise InvalidClaim(key, "the name has a meaning of its own; give it another one.")
        text = text_of(key, value)
        if text.strip():
            found[key] = text
    return found


def text_of(key: str, value: Any) -> str:
    """Return `value` as Metabase would turn it into an attribute; "" for None.

    Metabase is a Java program: True is "true", 3.0 is "3.0", 1e21 is "1.0E21". Raises
    InvalidClaim for what is no scalar.
    """
    if isinstance(value, Enum):
        value = value.value
    if value is None:
        return ""
    if isinstance(value, str | Promise):
        return clean_text(key, str(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal) and not is_writable(value):
        raise InvalidClaim(key, "a number must be finite, and not have thousands of digits.")
    if isinstance(value, float):
        return _java_double(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, int | Decimal | UUID):
        return str(value)
    raise InvalidClaim(key, f"{type(value).__name__} is no text, number, bool, date or UUID.")


def is_writable(number: float | Decimal) -> bool:
    """Whether a number is finite, and an int one that Python writes: with 4,300 digits at most."""
    if isinstance(number, Decimal):
        return number.is_finite()  # math.isfinite raises for a signalling NaN
    if not isinstance(number, int):
        return math.isfinite(number)
    try:
        return bool(str(number))
    except ValueError:
        return False


def clean_text(claim: str, text: str) -> str:
    """Return `text`; InvalidClaim for control characters and lone surrogates."""
    if not text.isprintable() and any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        name = claim.encode("ascii", "backslashreplace").decode()
        raise InvalidClaim(name, "has a control character or half a surrogate pair.")
    return text


def _java_double(number: float) -> str:
    plain = float.__repr__(number)
    if number == 0 or 1e-3 <= abs(number) < 1e7:  # java.lang.Double.toString
        return plain
    sign, digits, exponent = Decimal(plain).normalize().as_tuple()
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' * sign}{digits[0]}.{fraction}E{int(exponent) + len(digits) - 1}"
