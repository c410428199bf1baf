"""When the checks are asked at all, and their ids."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from django_metabase_sso.policies import trust_emails
from tests.helpers.configure import Configure
from tests.helpers.findings import ids, written_ids


def test_a_project_without_faults(configure: Configure, settings: Settings) -> None:
    assert ids() == set()
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    configure(ACCESS_POLICY=trust_emails)
    assert ids(deploy=True) == set()


@pytest.mark.parametrize(
    ("value", "check_id"), [(None, "E001"), ([], "E001"), ({"AUTHENTICAT": len}, "E002")]
)
def test_an_unreadable_setting_is_the_only_finding(
    settings: Settings, value: object, check_id: str
) -> None:
    settings.METABASE_SSO = value
    settings.MIDDLEWARE = []
    settings.ROOT_URLCONF = "tests.checks.test_project"
    assert ids(deploy=True) == {check_id}


@pytest.mark.parametrize(
    "others",
    [
        {"ROOT_URLCONF": None},
        {"MIDDLEWARE": ["tests.checks.test_messages.plain_middleware"]},
        {"MIDDLEWARE": ["nowhere.Middleware"]},
    ],
)
def test_checks_survive_odd_projects(settings: Settings, others: dict[str, Any]) -> None:
    for name, value in others.items():
        setattr(settings, name, value)
    assert "W014" not in ids()


def plain_middleware(get_response: Any) -> Any:
    """A middleware may be a function."""
    raise AssertionError


def test_each_id_earns_its_place() -> None:
    """A new one is for a mistake that people make, and has no neighbour that it fits in."""
    assert len(written_ids("**/*.py")) <= 48
