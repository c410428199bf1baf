"""User attributes: the values of the project's callables in the form that Metabase stores."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Final

from django_metabase_sso.exceptions import InvalidClaim
from django_metabase_sso.values.scalars import plain

LINE_ENDS: Final = "\t\n\r"  # and tabs: an attribute may have several lines


def attributes(source: str, values: object, reserved: Collection[str] = ()) -> dict[str, str]:
    """Return `values`, a mapping of strings to scalars, as the attributes that Metabase stores.

    Keys whose value is None or blank are left out. Raises InvalidClaim, with the name of the key,
    for values that Metabase would drop silently: row-level security would then not find the
    attribute. `source` is the setting whose callable returned `values`; keys in `reserved` are
    refused.
    """
    if not isinstance(values, Mapping):
        raise InvalidClaim(source, f"returned {type(values).__name__}, not a mapping.")
    found = {}
    for key, value in values.items():
        if not isinstance(key, str) or not key.strip():
            raise InvalidClaim(str(key), f"{source} returned a key that is not a string.")
        clean_text(key, key)
        if key.startswith("@") or key.partition("/")[2].startswith("@"):
            raise InvalidClaim(key, "Metabase drops attributes whose name begins with @.")
        if key in reserved:
            raise InvalidClaim(key, "this name is already used for a claim; choose another one.")
        text = clean_text(key, text_of(key, value), LINE_ENDS)
        if text.strip():
            found[key] = text
    return found


def text_of(key: str, value: Any) -> str:
    """Return `value` as the string that Metabase makes of it; "" for None.

    Metabase is a Java program: True becomes "true", 3.0 becomes "3.0" and 1e21 becomes "1.0E21".
    Raises InvalidClaim for values that are not scalars.
    """
    if type(value) is str:  # the usual case
        return value
    try:
        scalar = plain(value)
    except ValueError as problem:
        raise InvalidClaim(key, str(problem)) from None
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    if isinstance(scalar, float):
        return _java_double(scalar)
    return "" if scalar is None else str(scalar)


def clean_text(claim: str, text: str, allowed: str = "") -> str:
    """Return `text`. Raises InvalidClaim for control characters that are not in `allowed`, and for
    half of a surrogate pair.
    """
    if not text.isprintable() and any(
        unicodedata.category(char) in ("Cc", "Cs") and char not in allowed for char in text
    ):
        name = claim.encode("ascii", "backslashreplace").decode()
        raise InvalidClaim(name, "contains a control character or half of a surrogate pair.")
    return text


def _java_double(number: float) -> str:
    plain = float.__repr__(number)
    if number == 0 or 1e-3 <= abs(number) < 1e7:  # java.lang.Double.toString
        return plain
    sign, digits, exponent = Decimal(plain).normalize().as_tuple()
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' * sign}{digits[0]}.{fraction}E{int(exponent) + len(digits) - 1}"
