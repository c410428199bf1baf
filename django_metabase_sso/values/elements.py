"""HTML elements whose attributes hold any value: nothing leaves its quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from django_metabase_sso.exceptions import InvalidEmbed
from django_metabase_sso.values.scalars import plain

# Not on...: an attribute like onclick would run its value.
OPTION = re.compile(r"(?!on)[a-z][a-z0-9]*(_[a-z0-9]+)*")


def element(name: str, attributes: Mapping[str, Any]) -> SafeString:
    """Return `<name a="..." b="..."></name>`.

    Keys are options as Python writes them (`with_title` becomes `with-title`). True and False
    become "true" and "false", dicts and lists JSON, None leaves its attribute out; everything is
    escaped, text that is marked as safe, too. Raises InvalidEmbed for what can't be an option.
    """
    pairs = [
        (attribute_name(option), escape(text_of(option, value)))
        for option, value in attributes.items()
        if value is not None
    ]
    return format_html("<{0}{1}></{0}>", name, format_html_join("", ' {}="{}"', pairs))


def attribute_name(option: str) -> str:
    """Return the attribute that an option stands for."""
    if not OPTION.fullmatch(option):
        raise InvalidEmbed(f"{option!r} is no option: write it like with_title.")
    return option.replace("_", "-")


def text_of(option: str, value: Any) -> str:
    """Return the value of an option as Metabase reads it."""
    try:
        scalar = plain(value)
    except ValueError:
        return to_json(option, value)
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    return str(scalar)


def to_json(option: str, value: Any) -> str:
    """Return a value as JSON; InvalidEmbed for what has no place in it."""
    try:
        return json.dumps(value, default=plain, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidEmbed(f"{option}: no JSON can be made of it ({error}).") from None
