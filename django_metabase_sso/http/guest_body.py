"""Reads the request body in which Metabase's embed asks for a guest token."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NamedTuple, NoReturn

from django.http import HttpRequest

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.settings import Conf
from django_metabase_sso.exceptions import InvalidEmbed, InvalidGuestRequest
from django_metabase_sso.tokens import ENTITY_TYPES, EntityId, EntityType, clean_id
from django_metabase_sso.values.elements import to_json

LARGEST_BODY = 16 * 1024  # bytes
AS_JSON: Final = "json:"


class GuestRequest(NamedTuple):
    """The item that the browser asks for. Do not trust it: browsers can send anything."""

    entity_type: EntityType
    entity_id: EntityId
    custom_context: Any


def read_body(request: HttpRequest, conf: Conf = conf) -> GuestRequest:
    """Return the item that a request asks for. Raises InvalidGuestRequest with a code."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if length and not (length.isascii() and length.isdigit()):  # request.body would raise
        raise InvalidGuestRequest("invalid-json", "The Content-Length is not a number.")
    if length and int(length[:20]) > LARGEST_BODY:
        _refuse_size()
    body = request.body
    if len(body) > LARGEST_BODY:
        _refuse_size()
    return parse(body, conf)


def parse(body: bytes, conf: Conf = conf) -> GuestRequest:
    """Return the item that a JSON body asks for. Raises InvalidGuestRequest with a code."""
    try:
        data = _loads(body.decode())
    except (ValueError, RecursionError):
        raise InvalidGuestRequest("invalid-json", "The body is not JSON in UTF-8.") from None
    if not isinstance(data, dict):
        raise InvalidGuestRequest("invalid-json", "The body is not a JSON object.")
    entity_type = data.get("entityType")
    if entity_type not in ENTITY_TYPES:
        message = 'entityType is neither "dashboard" nor "question".'
        raise InvalidGuestRequest("invalid-entity-type", message)
    entity_id = _id(data.get("entityId"), conf)
    return GuestRequest(entity_type, entity_id, _context(data.get("customContext")))


def written_context(value: Any) -> str:
    """Return an attribute `custom-context` that arrives at the endpoint as the same value.

    Metabase 61 and newer converts attributes that look like a number, a bool or an object ("007"
    becomes 7). Version 60 does not. Both keep strings that begin with a word.
    """
    return f"{AS_JSON}{to_json('custom_context', value)}"


def _context(value: Any) -> Any:
    """Return the value of `custom_context` in the page, for all versions of Metabase."""
    if not isinstance(value, str):
        return value
    is_ours = value.startswith(AS_JSON)
    if not is_ours and not value.startswith(("{", "[")):
        return value
    try:
        return _loads(value.removeprefix(AS_JSON))
    except (ValueError, RecursionError):
        if is_ours:
            message = "customContext is not what the template tags wrote."
            raise InvalidGuestRequest("invalid-json", message) from None
        return value  # a string that only looks like an object


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=_finite, parse_float=_finite)


def _id(value: object, conf: Conf) -> EntityId:
    try:
        entity_id = clean_id(value)
    except InvalidEmbed:
        message = "entityId is neither a positive integer nor an entity id."
        raise InvalidGuestRequest("invalid-entity-id", message) from None
    if isinstance(entity_id, str) and not conf.GUEST_ENTITY_IDS:
        # The item also has a number: a rule that denies 10 would allow its entity id.
        message = "entityId is an entity id, and GUEST_ENTITY_IDS is off."
        raise InvalidGuestRequest("invalid-entity-id", message)
    return entity_id


def _refuse_size() -> NoReturn:
    message = f"The body has more than {LARGEST_BODY} bytes."
    raise InvalidGuestRequest("body-too-large", message)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number
