"""Guest embeds: which items are published, and which rows a guest token shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from example_project.standin.refusals import Refused
from example_project.standin.state import instance
from example_project.standin.tokens import TokenRefused, verify

Kind = Literal["dashboard", "question"]
LEEWAY = 60  # seconds
MISSING = "Token is missing value for keypath {}"


@dataclass(frozen=True)
class Item:
    """A dashboard or question of the stand-in. Guests can see it if it is published."""

    kind: Kind
    number: int
    entity_id: str
    title: str
    parameters: Mapping[str, Literal["locked", "enabled", "disabled"]] = field(
        default_factory=dict
    )
    published: bool = True


BY_REGION: Final[Mapping[str, Literal["locked", "enabled", "disabled"]]] = {
    "region": "locked",
    "month": "enabled",
    "margin": "disabled",
}
ITEMS = (
    Item("dashboard", 10, "dash10_V1StGXR8_Z5jdH", "Sales by region", BY_REGION),
    Item("dashboard", 11, "dash11_V1StGXR8_Z5jdH", "Everybody's sales"),
    Item("dashboard", 12, "dash12_V1StGXR8_Z5jdH", "Not published", published=False),
    Item("question", 5, "quest5_V1StGXR8_Z5jdH", "Orders by region", BY_REGION),
)


@dataclass(frozen=True)
class GuestView:
    """What a guest token shows. `regions` is None for all rows."""

    item: Item
    params: Mapping[str, Any]
    regions: frozenset[str] | None


def open_embed(kind: Kind, token: str) -> GuestView:
    """Return what a guest token shows, or raise Refused with Metabase's message.

    The rules differ from those of a sign-in: a leeway of 60 seconds, no maximal age, and status
    400 for almost every error.
    """
    secret = instance.configuration["embedding-secret-key"]
    is_on = instance.configuration.is_on("static")
    if not is_on and not instance.version.finds_guest_items_first:
        raise Refused("Embedding is not enabled.", 400)
    if not secret:
        raise Refused("The embedding secret key has not been set.", 400)
    try:
        claims = verify(token, secret, instance.now(), max_age=None, leeway=LEEWAY)
    except TokenRefused as refused:
        raise Refused(refused.text, 400) from None
    item = _item(kind, claims.get("resource"))
    if not is_on:
        raise Refused("Embedding is not enabled.", 400)
    if not item.published:
        raise Refused("Embedding is not enabled for this object.", 400)
    params = claims.get("params")
    if not isinstance(params, dict):
        raise Refused(MISSING, 400, part="[:params]")
    _check_params(item, params)
    return GuestView(item, params, _regions(params.get("region")))


def _item(kind: Kind, resource: object) -> Item:
    """Return the item that a token names by its number or its entity id."""
    named = resource.get(kind) if isinstance(resource, dict) else None
    if isinstance(named, bool) or not isinstance(named, int | str):
        raise Refused(MISSING, 400, part=f"[:resource :{kind}]")
    for item in ITEMS:
        if item.kind == kind and named in (item.number, item.entity_id):
            return item
    raise Refused("Not found.", 404)


def _check_params(item: Item, params: Mapping[str, Any]) -> None:
    """Refuse unknown and disabled parameters, and locked ones without a value."""
    for name in params:
        if name not in item.parameters:
            raise Refused("Unknown parameter {}.", 400, part=f":{name}")
        if item.parameters[name] == "disabled":
            raise Refused("You're not allowed to specify a value for {}.", 400, part=f":{name}")
    for name, how in item.parameters.items():
        value = params.get(name)
        is_blank = value is None or (isinstance(value, str) and not value.strip())
        if how == "locked" and is_blank:
            raise Refused("You must specify a value for {} in the JWT.", 400, part=f":{name}")


def _regions(value: object) -> frozenset[str] | None:
    """Return the regions to show, or None for all: an empty list switches a locked filter off."""
    if value is None or value == []:
        return None
    values = value if isinstance(value, list) else [value]
    return frozenset(str(entry) for entry in values)
