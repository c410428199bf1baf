"""Metabase stores each claim that it does not use otherwise as a user attribute, a string."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from example_project.standin.reports import Dropped

# These claims never become attributes (metabase/metabase#61220, #61221).
REGISTERED = ("iss", "iat", "sub", "aud", "exp", "nbf", "jti")


def user_attributes(
    claims: Mapping[str, Any], used: Collection[str]
) -> tuple[dict[str, str], list[Dropped]]:
    """Return the attributes in the claims, and the claims that were dropped.

    `used` are the names of the claims that have another use. Metabase drops lists, objects, nulls
    and keys that begin with `@`, and logs this. Names are case-sensitive: `Email` is an attribute.
    """
    attributes = {}
    dropped = []
    for name, value in claims.items():
        if name in used or name in REGISTERED:
            continue
        reason = _why_dropped(name, value)
        if reason:
            dropped.append(Dropped(name, reason))
        else:
            attributes[name] = java_text(value)
    return attributes, dropped


def _why_dropped(name: str, value: object) -> str:
    """Return why a claim cannot be an attribute, or "" if it can."""
    if value is None:
        return "null is not an attribute"
    if isinstance(value, (list, dict)):
        kind = "a list" if isinstance(value, list) else "an object"
        return f"{kind} is not an attribute: only strings, numbers and booleans are"
    if is_reserved(name):
        return "names that begin with @ are reserved"
    return ""


def is_reserved(name: str) -> bool:
    """Return whether a name begins with `@`. In Clojure, it begins after the first slash."""
    return name.startswith("@") or name.partition("/")[2].startswith("@")


def java_text(value: str | float) -> str:
    """Return a scalar in Java's notation, such as `true`, `42`, `3.0` or `1.0E21`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _java_double(value)
    return str(value)


def _java_double(value: float) -> str:
    """Return a double as `Double.toString` does: with an exponent below 0.001 and from 1e7."""
    if math.isinf(value):  # 1e400 in JSON
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    power = len(digits) - 1 + int(exponent)
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{power}"
