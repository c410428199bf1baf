"""Guest tokens."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest

from django_metabase_sso.exceptions import BadSetting, InvalidEmbed, InvalidParameter
from django_metabase_sso.tokens import ALL_ROWS, guest_token
from tests.helpers.configure import Configure
from tests.helpers.guests import ENTITY_ID
from tests.helpers.redaction import PEM
from tests.helpers.tokens import claims_of
from tests.settings import EMBEDDING_SECRET, SECRET


@pytest.fixture(autouse=True)
def _embedding_secret(configure: Configure) -> None:
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET)


@pytest.mark.parametrize("entity_id", [1, 10, 2**31 - 1, ENTITY_ID])
def test_what_is_signed(entity_id: Any) -> None:
    before = int(time.time())
    token = guest_token("dashboard", entity_id, {"region": "north", "all": ALL_ROWS})
    claims = claims_of(token)
    assert before + 600 <= claims.pop("exp") <= time.time() + 600
    assert claims == {
        "resource": {"dashboard": entity_id},
        "params": {"region": "north", "all": []},
    }
    assert type(claims["resource"]["dashboard"]) is type(entity_id)
    assert token not in repr(token)


def test_a_question() -> None:
    claims = claims_of(guest_token("question", 5, {}))
    assert (claims["resource"], claims["params"]) == ({"question": 5}, {})


def test_lifetime(configure: Configure) -> None:
    configure(GUEST_TOKEN_LIFETIME=timedelta(seconds=30))
    assert claims_of(guest_token("question", 5, {}))["exp"] <= time.time() + 30


def test_a_secret_from_a_callable(configure: Configure) -> None:
    configure(EMBEDDING_SECRET_KEY=lambda: EMBEDDING_SECRET)
    claims_of(guest_token("question", 5, {}))


@pytest.mark.parametrize(
    "entity_id", [0, -1, 2**31, True, 1.0, None, "", "new", ENTITY_ID[1:], f"{ENTITY_ID}x", [1]]
)
def test_no_ids(entity_id: Any) -> None:
    with pytest.raises(InvalidEmbed, match=r"is not an id\. Write the number"):
        guest_token("dashboard", entity_id, {})


@pytest.mark.parametrize("entity_id", ["10", "0" * 19 + "10"])
def test_numbers_as_text(entity_id: str) -> None:
    with pytest.raises(InvalidEmbed, match=f"is a string, but ids are numbers. Write {entity_id}"):
        guest_token("dashboard", entity_id, {})


def test_no_type() -> None:
    with pytest.raises(InvalidEmbed, match="'card' must be 'dashboard' or"):
        guest_token("card", 10, {})  # type: ignore[arg-type]


def test_wrong_parameters() -> None:
    with pytest.raises(InvalidParameter, match="region"):
        guest_token("dashboard", 10, {"region": None})


@pytest.mark.parametrize(
    ("secret", "check_id"),
    [
        (None, "metabase_sso.E029"),
        (PEM, "metabase_sso.E005"),
        (" ", "metabase_sso.E005"),
        ("\ud83d" * 40, "metabase_sso.E005"),
        ("short", "metabase_sso.E006"),
        (SECRET, "metabase_sso.E028"),
    ],
)
def test_bad_secrets(configure: Configure, secret: Any, check_id: str) -> None:
    for value in (secret, secret and (lambda: secret)):
        configure(EMBEDDING_SECRET_KEY=value)
        with pytest.raises(BadSetting) as caught:
            guest_token("dashboard", 10, {})
        assert caught.value.check_id == check_id
        assert re.search(r"\bEMBEDDING_SECRET_KEY\b", caught.value.message)
        assert SECRET not in str(caught.value)
