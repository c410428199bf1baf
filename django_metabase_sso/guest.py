"""Guest embeds: a dashboard or a question for somebody without a Metabase account.

The token that is signed here decides which rows they see.
"""

from __future__ import annotations

import re
import time
from typing import Final, Literal

from django_metabase_sso import guest_params
from django_metabase_sso.conf import conf
from django_metabase_sso.exceptions import BadSetting, InvalidEmbed
from django_metabase_sso.guest_params import ALL_ROWS
from django_metabase_sso.redacted import Secret, Token
from django_metabase_sso.tokens import signed

__all__ = ["ALL_ROWS", "guest_token"]

EntityType = Literal["dashboard", "question"]
EntityId = int | str
ENTITY_TYPES: Final[tuple[EntityType, ...]] = ("dashboard", "question")
ENTITY_ID = re.compile(r"(?!\d+\Z)[A-Za-z0-9_-]{21}")
LARGEST_ID = 2**31 - 1  # Metabase's ids are 32-bit integers


def guest_token(entity_type: EntityType, entity_id: EntityId, params: object) -> Token:
    """Return a token for one dashboard or question, signed with EMBEDDING_SECRET_KEY.

    `entity_id` is an int or Metabase's entity id of 21 characters, which is signed as it is;
    `params` is a mapping that names every locked parameter (`guest_params.clean` says what its
    values may be). The token is good for GUEST_TOKEN_LIFETIME seconds, for whoever has it.

    Raises InvalidEmbed for a wrong type or id, InvalidParameter for a wrong parameter, and
    BadSetting without EMBEDDING_SECRET_KEY.
    """
    if entity_type not in ENTITY_TYPES:
        raise InvalidEmbed(f"{entity_type!r}: a guest embed is a 'dashboard' or a 'question'.")
    payload = {
        "resource": {entity_type: clean_id(entity_id)},
        "params": guest_params.clean(params),
        "exp": int(time.time()) + conf.GUEST_TOKEN_LIFETIME,
    }
    return signed(payload, guest_secret(), "EMBEDDING_SECRET_KEY")


def guest_secret() -> Secret:
    """Return EMBEDDING_SECRET_KEY; BadSetting when it is not set."""
    secret = conf.EMBEDDING_SECRET_KEY
    if secret is None:
        raise BadSetting(
            "E029",
            "METABASE_SSO['EMBEDDING_SECRET_KEY'] is missing, and signs guest embeds.",
            "Copy it from Metabase's Admin > Embedding > Guest embeds, and write"
            ' "EMBEDDING_SECRET_KEY": os.environ["METABASE_EMBEDDING_SECRET_KEY"].',
        )
    return secret


def clean_id(entity_id: object) -> EntityId:
    """Return `entity_id`; InvalidEmbed unless it is a positive int or an entity id."""
    if isinstance(entity_id, int) and not isinstance(entity_id, bool):
        if 0 < entity_id <= LARGEST_ID:
            return entity_id
    elif isinstance(entity_id, str):
        if ENTITY_ID.fullmatch(entity_id):
            return str(entity_id)
        if entity_id.isdecimal():
            raise InvalidEmbed(f'"{entity_id}" is text, and ids are numbers: write {entity_id}.')
    raise InvalidEmbed(
        f"{entity_id!r} is no id: write the number in the item's address in Metabase, or its"
        " entity id of 21 characters (in a template, a variable that is not there is '')."
    )
