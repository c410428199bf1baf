"""Checks of users: what fires, what is silent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.checks import Tags, run_checks
from django.db import connections
from django_otp.middleware import OTPMiddleware
from pytest_django import Settings

from django_metabase_sso.claims import django_groups
from django_metabase_sso.policies import trust_emails
from tests.helpers.configure import Configure
from tests.helpers.findings import (
    Firing,
    Silent,
    assert_fires,
    assert_fires_on_deploy,
    assert_silent,
    in_front,
    messages,
    written_ids,
)
from tests.servers.fixtures import Router, known
from tests.servers.ports import free_port

OTP = "django_otp.middleware.OTPMiddleware"
APPS_OF_ALLAUTH = ["django.contrib.contenttypes", "allauth", "allauth.account"]


def one(user: object) -> None:
    raise AssertionError


class OwnOTP(OTPMiddleware):  # type: ignore[misc]
    """A project's own middleware may extend django-otp's."""


FIRING: list[Firing] = [
    (
        {"GROUP_MAPPING": {"a": "b"}},
        {"AUTH_USER_MODEL": "accounts.EmailUser"},
        "E009",
        "GROUP_MAPPING",
    ),
    (
        {"GROUP_MAPPING": django_groups},
        {"AUTH_USER_MODEL": "accounts.EmailUser"},
        "E009",
        "GROUP_MAPPING",
    ),
    ({}, {"AUTH_USER_MODEL": "accounts.PropertyUser"}, "E027", "REQUIRE_UNIQUE_EMAIL"),
    ({"REQUIRE_UNIQUE_EMAIL": False}, {}, "W011", "REQUIRE_UNIQUE_EMAIL"),
    ({"GROUP_MAPPING": {"boss": ["administrators"]}}, {}, "W015", "administrators"),
]
FIRING_ON_DEPLOY: list[Firing] = [
    ({}, {}, "W012", "index"),
    ({}, {"AUTH_USER_MODEL": "accounts.EmailUser"}, "W012", "index"),
    ({}, {}, "W013", "ACCESS_POLICY"),
]
SILENT: list[Silent] = [
    ({"GROUP_MAPPING": one}, {"AUTH_USER_MODEL": "accounts.EmailUser"}, "E009"),
    ({"REQUIRE_UNIQUE_EMAIL": False}, {"AUTH_USER_MODEL": "accounts.PropertyUser"}, "E027"),
    ({"REQUIRE_UNIQUE_EMAIL": False}, {"AUTH_USER_MODEL": "accounts.EmailUser"}, "W011"),
    ({"REQUIRE_UNIQUE_EMAIL": False}, {"AUTH_USER_MODEL": "accounts.ContactUser"}, "W011"),
    ({}, {"AUTH_USER_MODEL": "accounts.ContactUser"}, "W012"),
    ({}, {"AUTH_USER_MODEL": "accounts.IndexedUser"}, "W012"),
    ({"REQUIRE_UNIQUE_EMAIL": False}, {}, "W012"),
    ({"ACCESS_POLICY": trust_emails}, {}, "W013"),
    ({"GROUP_MAPPING": {"boss": "Administrators"}, "ALLOW_ADMINISTRATORS": True}, {}, "W015"),
    ({"GROUP_MAPPING": {"a": "Sales"}}, {}, "W015"),
]


@pytest.mark.parametrize("case", FIRING)
def test_firing(configure: Configure, settings: Settings, case: Firing) -> None:
    assert_fires(configure, settings, case)


@pytest.mark.parametrize("case", FIRING_ON_DEPLOY)
def test_firing_on_deploy(configure: Configure, settings: Settings, case: Firing) -> None:
    assert_fires_on_deploy(configure, settings, case)


@pytest.mark.parametrize("case", SILENT)
def test_silent(configure: Configure, settings: Settings, case: Silent) -> None:
    assert_silent(configure, settings, case)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (
            {
                "MIDDLEWARE": in_front("allauth.account.middleware.AccountMiddleware", OTP),
                "INSTALLED_APPS": ["django.contrib.auth", *APPS_OF_ALLAUTH],
            },
            "contrib.allauth.require_verified_email",
        ),
        ({"MIDDLEWARE": [*in_front(), OTP]}, "policies.require_otp"),
        ({"MIDDLEWARE": [*in_front(), "tests.checks.test_users.OwnOTP"]}, "policies.require_otp"),
        ({"MIDDLEWARE": in_front()}, "policies.trust_emails"),
    ],
)
def test_the_policy_that_fits_first(
    settings: Settings, others: dict[str, Any], words: str
) -> None:
    for name, value in others.items():
        setattr(settings, name, value)
    hint = str(messages(deploy=True)["W013"].hint)
    found = re.findall(r"(?:policies|contrib\.allauth)\.\w+", hint)
    assert found == [words]


@pytest.mark.parametrize("engine", ["mysql", "postgresql"])
@pytest.mark.parametrize("model", ["auth.User", "accounts.ContactUser", "accounts.IndexedUser"])
@pytest.mark.parametrize("unique", [True, False])
def test_no_check_needs_the_database(
    configure: Configure, settings: Settings, engine: str, model: str, unique: bool
) -> None:
    """The server is down: what is found without it must not get lost."""
    down = {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": "app",
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
    }
    settings.AUTH_USER_MODEL = model
    settings.DATABASE_ROUTERS = [Router("down")]
    configure(REQUIRE_UNIQUE_EMAIL=unique, INSTANCE_URL="http://metabase.example.com")
    configured = connections.configure_settings({**connections.settings, "down": down})["down"]
    with known("down", configured):
        # Only these tags: from Django 6.1 on, its own checks of models ask each database.
        tags = [Tags.security, Tags.templates, Tags.urls]
        found = run_checks(tags=tags, include_deployment_checks=True)
        assert {"metabase_sso.W002", "metabase_sso.W013"} <= {message.id for message in found}


def test_every_id_fires() -> None:
    fired = {case[2] for case in FIRING + FIRING_ON_DEPLOY}
    # Those that need the database are in tests/identity.
    assert written_ids("checks/users.py") - {"W027", "W028"} == fired
