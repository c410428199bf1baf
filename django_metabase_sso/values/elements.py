"""HTML elements whose attributes can hold any value, safely escaped."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from django_metabase_sso.exceptions import InvalidEmbed
from django_metabase_sso.values.scalars import plain

# Not on...: browsers run the value of an attribute such as onclick.
OPTION = re.compile(r"(?!on)[a-z][a-z0-9]*(_[a-z0-9]+)*")

NOTHING = SafeString("")


class TokenHTML(SafeString):
    """HTML that contains a token: a SafeString whose `repr` does not show it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<HTML with a token>"

    def __getitem__(self, key: Any) -> TokenHTML:  # error trackers slice first
        return TokenHTML(super().__getitem__(key))


def element(name: str, attributes: Mapping[str, Any], content: SafeString = NOTHING) -> SafeString:
    """Return `<name a="..." b="...">content</name>`; see `attributes_of` for the attributes."""
    return written(name, attributes_of(attributes), content)


def attributes_of(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the HTML attributes for `options`, which are written as in Python.

    `with_title` becomes `with-title`, True and False become "true" and "false", dicts and lists
    become JSON, and options that are None are left out. Raises InvalidEmbed for names that are not
    valid options.
    """
    return {
        attribute_name(option): text_of(option, value)
        for option, value in options.items()
        if value is not None
    }


def written(name: str, attributes: Mapping[str, str], content: SafeString = NOTHING) -> SafeString:
    """Return an element with these attributes. Strings marked as safe are escaped as well."""
    pairs = [(attribute, escape(value)) for attribute, value in attributes.items()]
    attribute_text = format_html_join("", ' {}="{}"', pairs)
    return format_html("<{0}{1}>{2}</{0}>", name, attribute_text, content)


def attribute_name(option: str) -> str:
    """Return the name of the attribute for an option."""
    if not OPTION.fullmatch(option):
        raise InvalidEmbed(f"{option!r} is not a valid option: write it like with_title.")
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
    """Return a value as JSON. Raises InvalidEmbed if that is not possible."""
    try:
        return json.dumps(value, default=plain, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidEmbed(f"{option} cannot be written as JSON ({error}).") from None
