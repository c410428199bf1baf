from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from django_metabase_sso import claims
from django_metabase_sso.conf import addresses
from django_metabase_sso.identity import emails, uniqueness
from tests.helpers.configure import Configure

pytest_plugins = ["django_metabase_sso.test.plugin", "tests.servers.fixtures"]


def pytest_sessionstart(session: pytest.Session) -> None:
    """Measure the workers of pytest-xdist only: not the programs that tests start.

    And empty the caches: mutmut runs a session for each mutant, and forks it from a warm one.
    """
    if not session.config.pluginmanager.hasplugin("dsession"):  # which starts the workers
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    for cached in (
        claims.is_privileged,
        uniqueness.lowers_capital_i,
        uniqueness.statement,
        emails._is_plain,
        addresses.parse_instance_url,
        addresses.parse_origin,
    ):
        cached.cache_clear()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With FAIL_ON_SKIP in the environment a skipped test fails the run."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = bool(reporter.stats.get("skipped")) and "FAIL_ON_SKIP" in os.environ
    session.exitstatus = exitstatus or int(skipped)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Ask what a process asks once, so that no test has one query more for being the first."""
    field = uniqueness.email_field()
    assert field is not None
    with django_db_blocker.unblock():
        assert uniqueness.lowers_capital_i(field, "default")


@pytest.fixture
def configure(settings: Settings) -> Configure:
    """Return a function that sets keys of METABASE_SSO for this test."""

    def change(**values: Any) -> None:
        settings.METABASE_SSO = {**settings.METABASE_SSO, **values}

    return change


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user(
        "ada", "Ada@Example.com", first_name="Ada", last_name="Lovelace"
    )


@pytest.fixture
def signed_in(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Return a function that returns all log records with everything that is in them."""
    caplog.set_level(logging.DEBUG)

    def text() -> str:
        formatter = logging.Formatter()
        return "\n".join(
            formatter.format(record) + repr(record.__dict__) for record in caplog.records
        )

    return text
