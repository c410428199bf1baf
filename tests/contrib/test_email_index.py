"""The index on Django's own user model, on a real database of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from django_metabase_sso.identity import uniqueness
from tests.helpers.findings import messages
from tests.servers.fixtures import Router, rolled_back

APP = "django_metabase_sso.contrib.email_index"
LABEL = "metabase_sso_email_index"
INDEX = "metabase_sso_email_lower"
REFUSED = "Remove django_metabase_sso.contrib.email_index from INSTALLED_APPS"


@pytest.fixture(autouse=True)
def installed(project: None, settings: Settings) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, APP]


def migrate(alias: str, *target: str) -> None:
    call_command("migrate", LABEL, *target, database=alias, verbosity=0)


def has_index(alias: str) -> bool:
    with connections[alias].cursor() as cursor:
        return INDEX in connections[alias].introspection.get_constraints(cursor, "auth_user")


@contextmanager
def sql_of(alias: str) -> Iterator[list[str]]:
    """Give the statements of the block that are about the index."""
    found: list[str] = []
    with CaptureQueriesContext(connections[alias]) as queries:
        yield found
    found.extend(query["sql"] for query in queries if INDEX in query["sql"])


def assert_used(alias: str) -> None:
    """Ask as a token does, and let the database say how it would look."""
    ada = User(username="ada", email="Ada@Example.com")
    ada.save(using=alias)
    User.objects.using(alias).bulk_create(
        User(username=str(number), email=f"{number}@example.com") for number in range(2000)
    )
    with CaptureQueriesContext(connections[alias]) as asked:
        assert uniqueness.other_users(ada, "ada@example.com") == []
    explain = "EXPLAIN" if connections[alias].vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connections[alias].cursor() as cursor:
        cursor.execute("ANALYZE auth_user")
        cursor.execute(f"{explain} {asked[-1]['sql']}")
        assert INDEX in str(cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_sqlite() -> None:
    with sql_of("default") as made:
        migrate("default")
    assert made == [f'CREATE INDEX "{INDEX}" ON "auth_user" ((LOWER("email")))']
    assert has_index("default")
    assert_used("default")
    migrate("default", "zero")
    assert not has_index("default")


def test_postgresql(settings: Settings, postgresql_database: str) -> None:
    settings.DATABASE_ROUTERS = [Router(postgresql_database)]
    with sql_of(postgresql_database) as made:
        migrate(postgresql_database)
    assert made == [f'CREATE INDEX CONCURRENTLY "{INDEX}" ON "auth_user" ((LOWER("email")))']
    assert has_index(postgresql_database)
    with rolled_back(postgresql_database):
        assert_used(postgresql_database)
    with sql_of(postgresql_database) as made:
        migrate(postgresql_database, "zero")
    assert made == [f'DROP INDEX CONCURRENTLY IF EXISTS "{INDEX}"']
    assert not has_index(postgresql_database)


def test_postgresql_in_a_transaction(postgresql: str) -> None:
    migrate(postgresql)
    assert has_index(postgresql)
    migrate(postgresql, "zero")


def test_mariadb(mariadb_database: str) -> None:
    with pytest.raises(CommandError, match=f"MariaDB does not have such indexes. {REFUSED}"):
        migrate(mariadb_database)


@pytest.mark.django_db(transaction=True)
def test_another_user_model(settings: Settings) -> None:
    settings.AUTH_USER_MODEL = "accounts.IndexedUser"
    # It has a proxy of auth.User, and nothing can be a proxy of a model that is swapped out.
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "tests.staff"]
    with pytest.raises(CommandError, match=f"'accounts.IndexedUser'. {REFUSED}"):
        migrate("default")


class Elsewhere:
    """Users are not in this database."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if app_label == "auth" else None


def test_a_database_without_users(settings: Settings, postgresql_database: str) -> None:
    settings.DATABASE_ROUTERS = [Elsewhere()]
    migrate(postgresql_database)
    assert not has_index(postgresql_database)
    migrate(postgresql_database, "zero")


def test_the_statement_can_be_looked_at(postgresql_database: str) -> None:
    output = StringIO()
    call_command("sqlmigrate", LABEL, "0001", database=postgresql_database, stdout=output)
    assert "-- Index the lower-case e-mail address of auth.User" in output.getvalue()
    assert f'CREATE INDEX CONCURRENTLY "{INDEX}"' in output.getvalue()


def test_nothing_changes_for_the_migrations_of_auth() -> None:
    call_command("makemigrations", LABEL, check=True, dry_run=True, verbosity=0)
    state = MigrationLoader(None).project_state()
    assert state.models["auth", "user"].options["indexes"] == []
    assert not [model for model in state.models if model[0] == LABEL]


# The check


def test_the_check_is_silent(settings: Settings) -> None:
    assert "W012" not in messages(deploy=True)
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != APP]
    assert messages(deploy=True)["W012"].hint == (
        f'Add "{APP}" to INSTALLED_APPS, and run: python manage.py migrate'
    )


def test_the_check_is_not_silent_for_another_user_model(settings: Settings) -> None:
    settings.AUTH_USER_MODEL = "accounts.EmailUser"
    hint = str(messages(deploy=True)["W012"].hint)
    assert 'UniqueConstraint(Lower("email"), name="accounts_emailuser_email_lower_uniq")' in hint
    assert APP not in hint


@pytest.mark.parametrize(
    ("model", "words"),
    [("auth.User", "SILENCED_SYSTEM_CHECKS"), ("accounts.HidingUser", "email_lower = models.Gen")],
)
def test_the_hint_for_mariadb(
    settings: Settings, mariadb_database: str, model: str, words: str
) -> None:
    """Without asking the database, which may be down."""
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != APP]
    settings.DATABASE_ROUTERS = [Router(mariadb_database)]
    settings.AUTH_USER_MODEL = model
    with CaptureQueriesContext(connections[mariadb_database]) as queries:
        hint = str(messages(deploy=True)["W012"].hint)
    assert words in hint
    assert APP not in hint
    assert len(queries) == 0
