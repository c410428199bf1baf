"""User attributes: what a project's callables return, in the form that Metabase would give it."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Final

from django_metabase_sso.exceptions import InvalidClaim
from django_metabase_sso.values.scalars import plain

LINE_ENDS: Final = "\t\n\r"  # and tabs: an attribute may have several lines


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
            raise InvalidClaim(str(key), f"{source} returned a key that is not a string.")
        clean_text(key, key)
        if key.startswith("@") or key.partition("/")[2].startswith("@"):
            raise InvalidClaim(key, "Metabase drops attributes whose name begins with @.")
        if key in reserved:
            raise InvalidClaim(key, "the name has a meaning of its own; give it another one.")
        text = clean_text(key, text_of(key, value), LINE_ENDS)
        if text.strip():
            found[key] = text
    return found


def text_of(key: str, value: Any) -> str:
    """Return `value` as Metabase would turn it into an attribute; "" for None.

    Metabase is a Java program: True is "true", 3.0 is "3.0", 1e21 is "1.0E21". Raises
    InvalidClaim for what is not a scalar.
    """
    if type(value) is str:  # as most are, and the names of all groups
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
    """Return `text`; InvalidClaim for control characters, unless allowed, and lone surrogates."""
    if not text.isprintable() and any(
        unicodedata.category(char) in ("Cc", "Cs") and char not in allowed for char in text
    ):
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
