"""Checks of API_KEY and END_ACCESS: what fires, what is silent."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from tests.helpers.configure import Configure
from tests.helpers.findings import (
    Firing,
    Silent,
    assert_fires,
    assert_silent,
    ids,
    messages,
    written_ids,
)

REMOTE = {"INSTANCE_URL": "http://metabase.example.com"}


FIRING: list[Firing] = [
    ({"API_KEY": " "}, {}, "E032", "is blank"),
    ({"API_KEY": "mb_key\n"}, {}, "E032", "a line end"),
    ({**REMOTE, "API_KEY": "mb_key"}, {}, "E032", "the key is not sent"),
    ({**REMOTE, "API_KEY": lambda: "mb_key"}, {}, "E032", "the key is not sent"),
    ({"END_ACCESS": "logout"}, {}, "E034", "'logout' and 'deactivation'"),
    ({"END_ACCESS": ["log-out"]}, {}, "E034", "END_ACCESS"),
    ({"END_ACCESS": [1]}, {}, "E034", "END_ACCESS"),
    ({"END_ACCESS": ["deactivation"]}, {}, "E029", "no access is ended"),
    (
        {"END_ACCESS": ["logout"], "API_KEY": "mb_key", "REDIRECT_PARAMS": {}},
        {},
        "W032",
        "needs Metabase 65",
    ),
]
SILENT: list[Silent] = [
    ({"API_KEY": "mb_key"}, {}, "E032"),
    ({"API_KEY": "mb_key"}, {}, "E032"),
    ({**REMOTE, "INSTANCE_URL": "http://localhost:3000", "API_KEY": "mb_key"}, {}, "E032"),
    ({"INSTANCE_URL": "", "API_KEY": "mb_key"}, {}, "E032"),
    ({"END_ACCESS": {"logout"}, "API_KEY": "mb_key"}, {}, "E034"),
    ({"END_ACCESS": ["logout"], "API_KEY": "mb_key"}, {}, "E029"),
    ({"END_ACCESS": ["logout"], "API_KEY": "mb_key"}, {}, "W032"),
]


@pytest.mark.parametrize("case", FIRING)
def test_firing(configure: Configure, settings: Settings, case: Firing) -> None:
    assert_fires(configure, settings, case)


@pytest.mark.parametrize("case", SILENT)
def test_silent(configure: Configure, settings: Settings, case: Silent) -> None:
    assert_silent(configure, settings, case)


def test_an_api_key_in_a_vault(configure: Configure) -> None:
    """It is asked with --deploy only."""

    def locked() -> str:
        raise RuntimeError("mb_key is in here")

    configure(API_KEY=locked)
    assert "E032" not in ids()
    assert "RuntimeError" in messages(deploy=True)["E020"].msg


def test_every_id_fires() -> None:
    fired = {case[2] for case in FIRING}
    assert written_ids("administration/*.py") | {"E032", "E034", "W032"} <= fired
