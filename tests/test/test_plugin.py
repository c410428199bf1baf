"""The fixture `metabase_sso`, in this run and in those of other projects."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from django_metabase_sso.test import SETTINGS, Helpers
from tests.helpers.redaction import JWT
from tests.helpers.sso import FETCH

pytest_plugins = ["pytester"]

SETTINGS_FILE = """
SECRET_KEY = "tests-only"
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django_metabase_sso",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
ROOT_URLCONF = "django_metabase_sso.urls"
METABASE_SSO = {"INSTANCE_URL": "https://bi.example.com", "JWT_SHARED_SECRET": "production's" * 4}
"""
CONFTEST = 'pytest_plugins = ["django_metabase_sso.test.plugin"]\n'
PROJECT_TESTS = """
import pytest
from django.conf import settings as own
from django_metabase_sso import test
from django_metabase_sso.test import *

@pytest.fixture
def signed_in(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("ada", "ada@example.com"))
    return client

@pytest.mark.django_db
def test_signs_in(metabase_sso, signed_in, settings):
    metabase_sso.configure(USER_ATTRIBUTES=lambda user, request: {"region": "north"})
    claims = metabase_sso.assert_signs_in(
        signed_in.get("/metabase"), email="ada@example.com", attributes={"region": "north"}
    )
    settings.METABASE_SSO = {}

@pytest.mark.django_db
def test_the_other_order(settings, metabase_sso, signed_in):
    settings.METABASE_SSO = {**settings.METABASE_SSO, "ACCESS_POLICY": lambda *args: False}
    metabase_sso.configure(TENANT=None)
    metabase_sso.assert_refused(signed_in.get("/metabase"), "policy")

def test_everything_is_as_before():
    assert own.METABASE_SSO["INSTANCE_URL"] == "https://bi.example.com"
    assert own.METABASE_SSO.keys() == {"INSTANCE_URL", "JWT_SHARED_SECRET"}

@pytest.mark.django_db
def test_fails(metabase_sso, signed_in):
    metabase_sso.assert_signs_in(signed_in.get("/metabase"), email="li@example.com")
"""
WITHOUT_PYTEST_DJANGO = """
import pytest
from django.conf import settings
from django_metabase_sso.tokens import sign

BEFORE = settings.METABASE_SSO

def test_sets(metabase_sso):
    metabase_sso.configure(TOKEN_LIFETIME=7)
    assert settings.METABASE_SSO == {**BEFORE, **metabase_sso.SETTINGS, "TOKEN_LIFETIME": 7}
    assert metabase_sso.decode(sign({"a": "b"})) == {"a": "b"}

def test_everything_is_as_before():
    assert settings.METABASE_SSO is BEFORE
"""


def test_the_fixture(metabase_sso: Helpers, client: Client, ada: User) -> None:
    values: dict[str, Any] = django_settings.METABASE_SSO
    assert values.items() >= SETTINGS.items()
    metabase_sso.assert_refused(client.get(FETCH), "not-authenticated")
    client.force_login(ada)
    assert metabase_sso.assert_signs_in(client.get(FETCH)) == metabase_sso.decode(
        client.get(FETCH)
    )


def test_keys_for_one_test(settings: Settings, metabase_sso: Helpers, signed_in: Client) -> None:
    metabase_sso.configure(ACCESS_POLICY=lambda user, request: False)
    assert settings.METABASE_SSO["INSTANCE_URL"] == SETTINGS["INSTANCE_URL"]
    metabase_sso.assert_refused(signed_in.get(FETCH), "policy")


def test_without_pytest_django(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(WITHOUT_PYTEST_DJANGO)
    before = django_settings.METABASE_SSO
    result = pytester.runpytest_inprocess("-p", "no:django", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)
    assert django_settings.METABASE_SSO is before


def run_pytest(folder: Path, *options: str) -> str:
    """Run pytest in a project of its own; return what it prints."""
    environment = {key: text for key, text in os.environ.items() if "DJANGO" not in key}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("plugin", ["django", "pytest_django.plugin"])
def test_in_a_project(tmp_path: Path, plugin: str) -> None:
    (tmp_path / "for_tests.py").write_text(SETTINGS_FILE)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_project.py").write_text(PROJECT_TESTS)
    by_name = ["-p", "no:django", "-p", plugin] if plugin != "django" else []
    printed = run_pytest(tmp_path, "--showlocals", "--ds=for_tests", *by_name)
    assert "1 failed, 3 passed" in printed, printed
    assert "The claim 'email' is 'ada@example.com'. Expected: 'li@example.com'." in printed
    assert "def _compare" not in printed
    assert not JWT.search(printed)
