"""Fixtures with databases on real servers, in addition to the database of the other tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import django
import pymysql
import pytest
from django.db import connections, transaction
from pytest_django import DjangoDbBlocker

from tests.helpers.redaction import assert_clean
from tests.servers import MARIADB, MEMCACHED, POSTGRESQL, REDIS, Server
from tests.servers.ports import free_port
from tests.servers.standin import standin

pymysql.install_as_MySQLdb()  # Django expects mysqlclient, which has to be compiled
ENGINES = {
    "postgresql": (POSTGRESQL, "django.db.backends.postgresql", {}),
    "mariadb": (MARIADB, "django.db.backends.mysql", {"charset": "utf8mb4"}),
}


def url_of(server: Server) -> str:
    """Return the URL of a server that answers, or skip the test."""
    url = server.find()
    if url is None:
        pytest.skip(server.missing)
    return url


@contextmanager
def database(alias: str) -> Iterator[dict[str, Any]]:
    """Create a migrated database for the duration of the block; yield its settings."""
    server, engine, options = ENGINES[alias]
    where = urlsplit(url_of(server))
    name = f"metabase_sso_{os.getpid()}"
    entry: dict[str, Any] = {
        "ENGINE": engine,
        "NAME": where.path[1:] or name,
        "HOST": where.hostname,
        "PORT": str(where.port or ""),
        "USER": where.username or "",
        "PASSWORD": where.password or "",
        "OPTIONS": options,
        "TEST": {"NAME": f"test_{name}"},
    }
    configured = connections.configure_settings({**connections.settings, alias: entry})[alias]
    with known(alias, configured):
        creation = connections[alias].creation
        # From Django 6.0 on, nothing is serialized unless somebody asks for it.
        serialized: dict[str, Any] = {"serialize": False} if django.VERSION < (6, 0) else {}
        creation.create_test_db(verbosity=0, autoclobber=True, **serialized)
    try:
        yield configured
    finally:
        with known(alias, configured):
            creation.destroy_test_db(entry["NAME"], verbosity=0)
            del connections[alias]


@contextmanager
def known(alias: str, configured: dict[str, Any]) -> Iterator[str]:
    """Add the database to Django's for the duration of the block.

    Other tests do not see it: pytest-django would forbid them to access it.
    """
    connections.settings[alias] = configured
    try:
        yield alias
    finally:
        del connections.settings[alias]


class Router:
    """For DATABASE_ROUTERS: all models are in this database."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def db_for_write(self, model: object, **hints: object) -> str:
        return self.alias

    db_for_read = db_for_write


@contextmanager
def rolled_back(alias: str) -> Iterator[None]:
    """Undo the block's changes to rows. MariaDB commits before it changes a table."""
    with transaction.atomic(using=alias):
        yield
        transaction.set_rollback(True, using=alias)


@pytest.fixture(scope="session")
def _postgresql(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[dict[str, Any]]:
    with django_db_blocker.unblock(), database("postgresql") as configured:
        yield configured


@pytest.fixture(scope="session")
def _mariadb(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[dict[str, Any]]:
    with django_db_blocker.unblock(), database("mariadb") as configured:
        yield configured


@pytest.fixture
def postgresql_database(db: None, _postgresql: dict[str, Any]) -> Iterator[str]:
    """The alias of a database on a real PostgreSQL, which keeps the changes of the test."""
    with known("postgresql", _postgresql) as alias:
        yield alias


@pytest.fixture
def mariadb_database(db: None, _mariadb: dict[str, Any]) -> Iterator[str]:
    """The alias of a database on a real MariaDB, which keeps the changes of the test."""
    with known("mariadb", _mariadb) as alias:
        yield alias


@pytest.fixture
def postgresql(postgresql_database: str) -> Iterator[str]:
    """The alias of a database on a real PostgreSQL, in a transaction that is rolled back."""
    with rolled_back(postgresql_database):
        yield postgresql_database


@pytest.fixture
def mariadb(mariadb_database: str) -> Iterator[str]:
    """The alias of a database on a real MariaDB, in a transaction that is rolled back."""
    with rolled_back(mariadb_database):
        yield mariadb_database


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The URL of a real Redis. Do not empty it, because other programs may use it."""
    return url_of(REDIS)


@pytest.fixture(scope="session")
def memcached_address() -> str:
    """The host and port of a real Memcached. Do not empty it: other programs may use it."""
    return urlsplit(url_of(MEMCACHED)).netloc


@pytest.fixture(scope="session")
def standin_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a stand-in whose Identity Provider is this project, which does not run."""
    log = tmp_path_factory.mktemp("standin") / "log"
    provider = f"http://localhost:{free_port()}/sso/metabase"
    with standin(provider, ["https://app.example.com"], log) as url:
        yield url
    assert_clean(log.read_text())
