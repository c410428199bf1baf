"""Frames: Metabase's parameters for what a frame shows, and the attributes of its HTML element."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django_metabase_sso.values.components import unknown
from django_metabase_sso.values.elements import attributes_of, text_of

# Metabase's documentation, "full app embedding", UI components.
INTERFACE: Final = frozenset(
    "action_buttons additional_info breadcrumbs data_picker entity_types header locale logo"
    " new_button search side_nav top_nav".split()
)
# Metabase's documentation, "static embedding", customizing the appearance.
APPEARANCE: Final = frozenset(
    "background bordered downloads font hide_parameters locale refresh theme titled".split()
)
ATTRIBUTES: Final = frozenset("allow class height id loading name style width".split())


def frame_attributes(source: str, title: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Return the attributes of a frame; by default it is as wide as its container."""
    defaults = {"loading": "lazy", "width": "100%", "height": 600, "frameborder": 0}
    return {"src": source, **attributes_of({"title": title, **defaults, **options})}


def interface_query(options: Mapping[str, Any], others: frozenset[str] = frozenset()) -> str:
    """Return a query with Metabase's parameters for the parts around a page.

    Raises InvalidEmbed for an unknown parameter; `others` are further options that the caller
    accepts, which are suggested for a misspelled one.
    """
    return _query("A full-app frame", options, INTERFACE, others)


def appearance_fragment(options: Mapping[str, Any], others: frozenset[str] = frozenset()) -> str:
    """Return the part of a static embed's address after its token; see `interface_query`."""
    fragment = _query("A static embed", options, APPEARANCE, others)
    return f"#{fragment}" if fragment else ""


def _query(
    what: str, options: Mapping[str, Any], known: frozenset[str], others: frozenset[str]
) -> str:
    """Return the parameters of a frame. Metabase splits lists at commas."""
    for key in options.keys() - known:
        raise unknown(what, key, known | others)
    return urlencode(
        {
            key: ",".join(value) if isinstance(value, list | tuple) else text_of(key, value)
            for key, value in options.items()
        }
    )
