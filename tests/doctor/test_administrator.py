"""What the doctor asks Metabase with an API key: groups, and what it says when it cannot."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from example_project.standin.start import API_KEY
from tests.helpers.configure import Configure
from tests.helpers.reports import Doctor
from tests.servers.answers import PROPERTIES, VERSION, Answered
from tests.servers.canned import Canned
from tests.servers.standin import Metabase


@pytest.mark.parametrize(
    ("keys", "changes", "level", "words"),
    [
        ({"GROUP_MAPPING": {"staff": ["Sales", "Support"]}}, {}, "ok", ""),
        ({"GROUP_MAPPING": {"staff": "sales"}}, {}, "warning", "sales"),
        ({"GROUP_MAPPING": {"staff": "Administrators"}}, {}, "ok", ""),
        (
            {"GROUP_MAPPING": {"staff": "administrators"}, "ALLOW_ADMINISTRATORS": True},
            {},
            "warning",
            "administrators",
        ),
        ({"GROUP_MAPPING": {"a": "Sales"}}, {"jwt_group_sync": False}, "warning", "off"),
        ({"GROUP_MAPPING": {"a": "x"}}, {"jwt_group_mappings": {"x": [5]}}, "ok", ""),
        (
            {"GROUP_MAPPING": {"a": "Sales"}},
            {"jwt_group_mappings": {"x": [5]}},
            "warning",
            "Sales",
        ),
        ({"GROUP_MAPPING": lambda user, request: ["Seals"]}, {}, "warning", "Seals"),
        ({"GROUP_MAPPING": lambda user, request: None}, {}, "ok", ""),
    ],
)
def test_groups(
    doctor: Doctor,
    metabase: Metabase,
    configure: Configure,
    ada: User,
    keys: dict[str, Any],
    changes: dict[str, Any],
    level: str,
    words: str,
) -> None:
    configure(API_KEY=API_KEY, **keys)
    metabase.change(**changes)
    found = doctor("--user", "ada").one("groups")
    assert found["level"] == level
    assert words in found["title"]


def test_groups_of_a_callable_are_not_known_without_a_user(
    doctor: Doctor, metabase: Metabase, configure: Configure
) -> None:
    configure(API_KEY=API_KEY, GROUP_MAPPING=lambda user, request: ["Seals"])
    assert doctor().level("groups") == "ok"


def test_an_administration_that_does_not_answer(answered: Answered, configure: Configure) -> None:
    configure(API_KEY=API_KEY, GROUP_MAPPING={"staff": "Sales"})
    provider = "http://localhost/sso/metabase"
    answers = {
        PROPERTIES: VERSION,
        "GET /auth/sso": Canned(body={"method": "jwt", "url": provider}),
        "GET /api/setting": Canned(500),
    }
    report, _ = answered(answers)
    assert report.level("groups") == "skipped"
    assert report.level("setup") == "warning"
    assert "500" in report.one("setup")["cause"]
    assert "API_KEY" in report.one("setup")["cure"]


def test_a_bad_key_is_one_fault(doctor: Doctor, metabase: Metabase, configure: Configure) -> None:
    configure(API_KEY="mb_key\n", GROUP_MAPPING={"staff": "Sales"})
    report = doctor()
    assert report.faults() == ["metabase_sso.E032"]
    assert {report.level(code) for code in ("groups", "setup")} == {"skipped"}
