"""The attributes of Metabase's web components, with their types and first versions.

The source is Metabase's documentation of each version ("modular embedding components"; from 59 on,
it is generated from the source of `embed.js`). Metabase silently ignores attributes that it does
not know, so misspelled ones have to be found here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final, Literal, NamedTuple

from django_metabase_sso.exceptions import InvalidEmbed
from django_metabase_sso.values.elements import attribute_name
from django_metabase_sso.values.scalars import unwrapped

Type = Literal["bool", "number", "text", "dict", "list", "id", "any"]
Guests = Literal["yes", "no", "only"]


class Attribute(NamedTuple):
    """An attribute: its type, and the first Metabase version whose documentation lists it.

    `guests` says whether it works in guest embeds: "yes", "no", or "only" there.
    """

    type: Type
    since: int
    guests: Guests = "no"


COMPONENTS: Final[Mapping[str, Mapping[str, Attribute]]] = {
    "metabase-dashboard": {
        "dashboard-id": Attribute("id", 56, "yes"),
        "token": Attribute("text", 58, "only"),
        "custom-context": Attribute("any", 60, "only"),
        "with-title": Attribute("bool", 56, "yes"),
        "with-downloads": Attribute("bool", 56, "yes"),
        "with-subscriptions": Attribute("bool", 58),
        "drills": Attribute("bool", 56),
        "enable-entity-navigation": Attribute("bool", 59),
        "auto-refresh-interval": Attribute("number", 59, "yes"),
        "initial-parameters": Attribute("dict", 56, "yes"),
        "parameters": Attribute("dict", 62, "yes"),
        "hidden-parameters": Attribute("list", 56),
    },
    "metabase-question": {
        "question-id": Attribute("id", 56, "yes"),
        "token": Attribute("text", 58, "only"),
        "custom-context": Attribute("any", 60, "only"),
        "with-title": Attribute("bool", 56, "yes"),
        "with-downloads": Attribute("bool", 56, "yes"),
        "with-alerts": Attribute("bool", 59),
        "drills": Attribute("bool", 56),
        "initial-sql-parameters": Attribute("dict", 56, "yes"),
        "sql-parameters": Attribute("dict", 62, "yes"),
        "hidden-parameters": Attribute("list", 59),
        "is-save-enabled": Attribute("bool", 56),
        "target-collection": Attribute("id", 56),
        "entity-types": Attribute("list", 59, "yes"),
    },
    "metabase-browser": {
        "initial-collection": Attribute("id", 57),
        "read-only": Attribute("bool", 57),
        "collection-entity-types": Attribute("list", 58),
        "collection-page-size": Attribute("number", 58),
        "collection-visible-columns": Attribute("list", 58),
        "data-picker-entity-types": Attribute("list", 58),
        "enable-entity-navigation": Attribute("bool", 59),
        "with-new-dashboard": Attribute("bool", 58),
        "with-new-question": Attribute("bool", 58),
    },
    "metabase-metabot": {
        "layout": Attribute("text", 57),
        "is-save-enabled": Attribute("bool", 59),
        "target-collection": Attribute("id", 59),
    },
}
# The tags write these themselves.
WRITTEN: Final = frozenset({"dashboard-id", "question-id", "token"})
# Attributes that any element of a page may have; `title` names the frame in a component.
GLOBAL: Final = frozenset("class dir hidden id lang slot style title".split())
GLOBAL_PREFIXES: Final = ("aria-", "data-")

NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
EXPECTED: Final[Mapping[Type, str]] = {
    "bool": "True or False",
    "number": "a number",
    "text": "a string",
    "dict": "a dict",
    "list": "a list",
    "id": "a number or a string that is not empty",
}


def check_options(
    component: str, options: Mapping[str, Any], *others: str, guests: bool = False
) -> None:
    """Raise InvalidEmbed for options that a component does not have, or that have another type.

    `options` are written as in Python (`with_title`); an option that is None is left out. `others`
    are further options of the tag, which are suggested for a misspelled one. `guests` is for guest
    embeds, which have fewer options.
    """
    for option, value in options.items():
        name = attribute_name(option)
        if name in GLOBAL or name.startswith(GLOBAL_PREFIXES):
            continue
        attribute = COMPONENTS[component].get(name)
        if attribute is None or name in WRITTEN:
            known = [*options_of(component, guests=guests), *others]
            raise unknown(f"<{component}>", option, known)
        if attribute.guests == ("no" if guests else "only"):
            kind = "guest embeds" if guests else "embeds for signed-in users"
            raise InvalidEmbed(f"{option} has no effect in {kind}: leave it out.")
        if value is not None and not _fits(attribute.type, value):
            raise InvalidEmbed(
                f"{option} of <{component}> must be {EXPECTED[attribute.type]}, not {value!r:.100}"
                " (in a template, a variable that does not exist is '')."
            )


def options_of(component: str, *, guests: bool) -> list[str]:
    """Return the names of a component's options, as its tag takes them."""
    unused = "no" if guests else "only"
    return sorted(
        name.replace("-", "_")
        for name, attribute in COMPONENTS[component].items()
        if name not in WRITTEN and attribute.guests != unused
    )


def unknown(owner: str, option: str, known: Collection[str]) -> InvalidEmbed:
    """Return the error for an unknown option of `owner`; it suggests the nearest one."""
    nearest = get_close_matches(option, known, n=1, cutoff=0.5)
    hint = (
        f"Did you mean {nearest[0]!r}?"
        if nearest
        else f"Its options are {', '.join(sorted(known))}."
    )
    return InvalidEmbed(f"{owner} has no option {option!r}. {hint}")


def _fits(expected: Type, value: Any) -> bool:
    value = unwrapped(value)
    text = value if isinstance(value, str) else None
    if expected == "bool":
        return isinstance(value, bool) or text in ("true", "false")
    if expected == "dict":
        return isinstance(value, Mapping) or (text is not None and text.startswith("{"))
    if expected == "list":
        return isinstance(value, list | tuple) or (text is not None and text.startswith("["))
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if expected == "number":
        return is_number or NUMBER.fullmatch(text or "") is not None
    if expected == "id":
        return is_number or bool(text)
    return expected == "any" or text is not None
