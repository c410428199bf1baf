"""User attributes: every claim that Metabase knows no other use for, as a string."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from example_project.standin.reports import Dropped

# Never attributes (metabase/metabase#61220, #61221).
REGISTERED = ("iss", "iat", "sub", "aud", "exp", "nbf", "jti")


def user_attributes(
    claims: Mapping[str, Any], used: Collection[str]
) -> tuple[dict[str, str], list[Dropped]]:
    """Return the attributes among the claims, and what was dropped. `used` are claims with a use.

    Metabase drops lists, objects, nulls and keys that begin with `@`, with a line in its log.
    Names are case-sensitive: `Email` is an attribute.
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
    """Return why a claim can't be an attribute, "" when it can."""
    if value is None:
        return "null is not an attribute"
    if isinstance(value, (list, dict)):
        kind = "a list" if isinstance(value, list) else "an object"
        return f"{kind} is not an attribute: only strings, numbers and booleans are"
    if is_reserved(name):
        return "names that begin with @ are reserved"
    return ""


def is_reserved(name: str) -> bool:
    """Whether a name begins with `@`. Clojure takes what follows the first slash for the name."""
    return name.startswith("@") or name.partition("/")[2].startswith("@")


def java_text(value: str | float) -> str:
    """Return a scalar as Java writes it: `true`, `42`, `3.0`, `1.0E21`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _java_double(value)
    return str(value)


def _java_double(value: float) -> str:
    """Return a double as `Double.toString` does: scientific below 0.001 and from ten million."""
    if math.isinf(value):  # 1e400 in JSON
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    power = len(digits) - 1 + int(exponent)
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{power}"
