"""`manage.py check --database default`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import CheckMessage, Tags, run_checks
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from django_metabase_sso.checks.users import check_shared_addresses
from django_metabase_sso.identity import uniqueness
from tests.accounts.models import ContactUser, EmailUser, IndexedUser

pytestmark = pytest.mark.django_db


def found(*databases: str) -> list[CheckMessage]:
    """Return our findings for these databases."""
    messages = run_checks(tags=[Tags.database], databases=databases)
    return [m for m in messages if str(m.id).startswith("metabase_sso.")]


@pytest.fixture
def shared() -> None:
    people = {
        "ada": "ada@example.com",
        "eve": "ADA@example.com",
        "ann": "Ada@Example.com",
        "bob": "bob@example.com",
        "rob": "bob@EXAMPLE.com",
        "zoe": "zoe@example.com",
        "nil": "",
        "nix": "",
    }
    for username, email in people.items():
        User.objects.create_user(username)
        User.objects.filter(username=username).update(email=email)


@pytest.mark.usefixtures("shared")
def test_how_many_and_not_which() -> None:
    [message] = found("default")
    assert message.id == "metabase_sso.W027"
    assert "share: 2. " in message.msg
    assert "example.com" not in f"{message.msg} {message.hint}"
    assert list(uniqueness.shared_addresses()) == ["ada@example.com", "bob@example.com"]


@pytest.mark.usefixtures("shared")
def test_what_the_hint_says_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    [message] = found("default")
    code = str(message.hint).partition("-c '")[2].removesuffix("'")
    call_command("shell", "--verbosity=0", command=code)
    assert capsys.readouterr().out == "ada@example.com\nbob@example.com\n"


@pytest.mark.usefixtures("shared")
def test_users_who_are_switched_off_do_not_count() -> None:
    User.objects.filter(username__in=["rob", "eve"]).update(is_active=False)
    [message] = found("default")
    assert "share: 1. " in message.msg
    User.objects.filter(username="ann").update(is_active=False)
    assert found("default") == []


@pytest.mark.usefixtures("shared")
def test_without_the_database_nothing_is_asked() -> None:
    assert found() == []
    assert check_shared_addresses() == []
    assert all(message.id != "metabase_sso.W027" for message in run_checks())


@pytest.mark.usefixtures("shared")
def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check", databases=["default"])
    assert "metabase_sso.W027" in capsys.readouterr().err


def test_a_model_without_is_active(settings: Settings) -> None:
    settings.AUTH_USER_MODEL = "accounts.EmailUser"
    EmailUser.objects.create(email="ada@example.com")
    assert found("default") == []
    EmailUser.objects.create(email="Ada@example.com")
    assert [message.id for message in found("default")] == ["metabase_sso.W027"]


def test_addresses_that_need_not_be_read(
    settings: Settings, django_assert_num_queries: Any
) -> None:
    """The database sees to it that nobody shares one."""
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    ContactUser.objects.create(username="ada", contact="ada@example.com")
    with CaptureQueriesContext(connection) as queries:
        assert check_shared_addresses(databases=["default"]) == []
    assert not any("COUNT(" in query["sql"] for query in queries)


def test_a_model_that_needs_no_query(settings: Settings, django_assert_num_queries: Any) -> None:
    settings.AUTH_USER_MODEL = "accounts.PropertyUser"
    with django_assert_num_queries(0):
        assert check_shared_addresses(databases=["default"]) == []


@pytest.fixture(autouse=True)
def _ask_again() -> Iterator[None]:
    uniqueness.lowers_capital_i.cache_clear()
    yield
    uniqueness.lowers_capital_i.cache_clear()
    uniqueness.statement.cache_clear()


def turkish(text: str | None) -> str | None:
    """Return the lower case of a database that was made with a Turkish locale."""
    return None if text is None else text.replace("I", "\u0131").lower()


def of_sqlite(text: str | None) -> str | None:
    """Return the lower case of SQLite, whose own function does not come back."""
    return None if text is None else text.encode().lower().decode()


@contextmanager
def speaking_turkish() -> Iterator[None]:
    connection.connection.create_function("LOWER", 1, turkish, deterministic=True)
    try:
        yield
    finally:
        connection.connection.create_function("LOWER", 1, of_sqlite, deterministic=True)


@pytest.mark.parametrize("model", ["auth.User", "accounts.ContactUser"])
def test_a_database_that_speaks_turkish(settings: Settings, model: str) -> None:
    settings.AUTH_USER_MODEL = model
    assert found("default") == []
    uniqueness.lowers_capital_i.cache_clear()
    with speaking_turkish():
        [message] = found("default")
    assert message.id == "metabase_sso.W028"
    assert "db_collation" in str(message.hint)


def test_what_a_database_that_speaks_turkish_hides() -> None:
    User.objects.create_user("ida", "ida@example.com")
    User.objects.create_user("ann", "IDA@example.com")
    with speaking_turkish():
        first, second = found("default")
    assert [first.id, second.id] == ["metabase_sso.W028", "metabase_sso.W027"]


def test_before_there_is_a_table(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """`migrate` runs the checks of the database first."""
    settings.AUTH_USER_MODEL = "accounts.IndexedUser"
    monkeypatch.setattr(IndexedUser._meta, "db_table", "not_there_yet")
    assert found("default") == []
    assert EmailUser._base_manager.count() == 0  # the transaction goes on


def test_before_there_is_a_column(settings: Settings) -> None:
    settings.AUTH_USER_MODEL = "accounts.IndexedUser"
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX indexed_email_lower")
        cursor.execute("ALTER TABLE accounts_indexeduser RENAME COLUMN email TO mail")
    [message] = found("default")
    assert "could not be read (OperationalError)" in message.msg
    assert EmailUser._base_manager.count() == 0
