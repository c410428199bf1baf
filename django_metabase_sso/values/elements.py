"""HTML elements whose attributes hold any value: nothing leaves its quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.functional import Promise
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from django_metabase_sso.exceptions import InvalidEmbed

# Not on...: an attribute like onclick would run its value.
OPTION = re.compile(r"(?!on)[a-z][a-z0-9]*(_[a-z0-9]+)*")

SCALARS = (str, int, Promise, date, time, Decimal, UUID)


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
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, SCALARS):
        return str(value)
    return to_json(option, value)


def to_json(option: str, value: Any) -> str:
    """Return a value as JSON; InvalidEmbed for what has no place in it."""
    try:
        return json.dumps(value, cls=DjangoJSONEncoder, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidEmbed(f"{option}: no JSON can be made of it ({error}).") from None
