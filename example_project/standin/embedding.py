"""Guest embeds: what is published, and which rows a guest token shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from example_project.standin.refusals import Refused
from example_project.standin.state import instance
from example_project.standin.tokens import verify

Kind = Literal["dashboard", "question"]


@dataclass(frozen=True)
class Item:
    """A dashboard or question of the stand-in; guests see it when it is published."""

    kind: Kind
    number: int
    entity_id: str
    title: str
    locked: frozenset[str] = frozenset()
    published: bool = True


ITEMS = (
    Item("dashboard", 10, "dash10_V1StGXR8_Z5jdH", "Sales by region", frozenset({"region"})),
    Item("dashboard", 11, "dash11_V1StGXR8_Z5jdH", "Everybody's sales"),
    Item("dashboard", 12, "dash12_V1StGXR8_Z5jdH", "Not published", published=False),
    Item("question", 5, "quest5_V1StGXR8_Z5jdH", "Orders by region", frozenset({"region"})),
)


@dataclass(frozen=True)
class GuestView:
    """What one guest token shows; `regions` is None for all rows."""

    item: Item
    params: Mapping[str, Any]
    regions: frozenset[str] | None


def open_embed(kind: Kind, token: str) -> GuestView:
    """Return what a guest token shows, or raise Refused with Metabase's text."""
    if not instance.configuration.is_on("static"):
        raise Refused("Embedding is not enabled.", 400)
    claims = verify(token, instance.configuration["embedding-secret-key"] or "", instance.now())
    item = _item(kind, claims.get("resource"))
    params = claims.get("params")
    if not isinstance(params, dict):
        raise Refused("Token is missing value for keypath [:params]", 400)
    for name in sorted(item.locked):
        if params.get(name) is None:
            raise Refused(f"You must specify a value for :{name} in the JWT.", 400)
    return GuestView(item, params, _regions(params.get("region")))


def _item(kind: Kind, resource: object) -> Item:
    """Return the item that a token names: by its number, or by its entity id, never by text."""
    named = resource.get(kind) if isinstance(resource, dict) else None
    if isinstance(named, bool) or not isinstance(named, int | str):
        raise Refused(f"Token is missing value for keypath [:resource :{kind}]", 400)
    for item in ITEMS:
        if item.kind == kind and named in (item.number, item.entity_id):
            if not item.published:
                raise Refused("Embedding is not enabled for this object.", 400)
            return item
    raise Refused("Not found.", 404)


def _regions(value: object) -> frozenset[str] | None:
    """Return the rows to show: an empty list switches a locked filter off."""
    if value is None or value == []:
        return None
    values = value if isinstance(value, list) else [value]
    return frozenset(str(entry) for entry in values)
