from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, models
from django.db.models.functions import Lower, Upper
from pytest_django import DjangoAssertNumQueries, Settings

from django_metabase_sso.access import check_access
from django_metabase_sso.identity import uniqueness
from tests.accounts.models import CollatedUser, ContactUser, EmailUser, IndexedUser


@pytest.mark.parametrize(
    ("model", "guaranteed", "indexed"),
    [
        ("auth.User", False, False),
        ("accounts.EmailUser", False, False),  # unique=True alone lets Ada@ and ada@ in
        ("accounts.ContactUser", True, False),
        ("accounts.IndexedUser", False, True),
        ("accounts.CollatedUser", True, False),
        ("accounts.PropertyUser", False, False),
    ],
)
def test_what_the_database_guarantees(
    settings: Settings, model: str, guaranteed: bool, indexed: bool
) -> None:
    settings.AUTH_USER_MODEL = model
    assert uniqueness.is_guaranteed() is guaranteed
    assert uniqueness.is_indexed() is indexed


def with_constraint(monkeypatch: pytest.MonkeyPatch, constraint: Any) -> None:
    monkeypatch.setattr(IndexedUser._meta, "constraints", [constraint])


@pytest.mark.parametrize(
    ("constraint", "guaranteed"),
    [
        (models.UniqueConstraint(Lower("email"), name="c"), True),
        (models.UniqueConstraint(Upper("email"), name="c"), True),
        (models.UniqueConstraint(Lower(models.F("email")), name="c"), True),
        (models.UniqueConstraint(Lower("username"), name="c"), False),
        (models.UniqueConstraint(Lower("email"), "username", name="c"), False),
        (models.UniqueConstraint(Lower(Lower("email")), name="c"), False),
        (models.UniqueConstraint("email", name="c"), False),
        (models.UniqueConstraint(fields=["email"], name="c"), False),
        (
            models.UniqueConstraint(
                Lower("email"), name="c", condition=models.Q(username="someone")
            ),
            False,
        ),
        (models.CheckConstraint(condition=models.Q(email="a"), name="c"), False),
    ],
)
def test_constraints(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, constraint: Any, guaranteed: bool
) -> None:
    settings.AUTH_USER_MODEL = "accounts.IndexedUser"
    with_constraint(monkeypatch, constraint)
    assert uniqueness.is_guaranteed() is guaranteed


@pytest.mark.parametrize(
    ("index", "indexed"),
    [
        (models.Index(Lower("email"), name="i"), True),
        (models.Index(Upper("email"), name="i"), False),  # the query is for LOWER()
        (models.Index(Lower("username"), name="i"), False),
        (models.Index(Lower("email"), "username", name="i"), False),
        (models.Index(fields=["email"], name="i"), False),
        (models.Index(Lower("email"), name="i", condition=models.Q(username="a")), False),
    ],
)
def test_indexes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, index: models.Index, indexed: bool
) -> None:
    settings.AUTH_USER_MODEL = "accounts.IndexedUser"
    monkeypatch.setattr(IndexedUser._meta, "indexes", [index])
    assert uniqueness.is_indexed() is indexed


def test_a_constraint_of_a_table_that_django_does_not_make(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    monkeypatch.setattr(ContactUser._meta, "managed", False)
    assert uniqueness.is_guaranteed() is False


@pytest.mark.parametrize(
    ("vendor", "collation", "unique", "guaranteed"),
    [
        ("sqlite", "NOCASE", True, True),
        ("sqlite", "NOCASE", False, False),
        ("sqlite", "BINARY", True, False),
        ("mysql", "utf8mb4_0900_ai_ci", True, True),
        ("mysql", "utf8mb4_bin", True, False),
        ("mysql", "utf8mb4_turkish_ci", True, False),  # I is not the capital of i there
        ("mysql", "utf8mb4_tr_0900_ai_ci", True, False),
        ("postgresql", "some_ci", True, False),  # a name says nothing there
        ("sqlite", None, True, False),
    ],
)
def test_collations(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    vendor: str,
    collation: str | None,
    unique: bool,
    guaranteed: bool,
) -> None:
    settings.AUTH_USER_MODEL = "accounts.CollatedUser"
    field = CollatedUser._meta.get_field("email")
    monkeypatch.setattr(field, "db_collation", collation)
    monkeypatch.setattr(field, "unique", unique)
    monkeypatch.setattr(connection, "vendor", vendor)
    assert uniqueness.is_guaranteed() is guaranteed


def test_a_unique_field_that_knows_no_collation(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUTH_USER_MODEL = "accounts.CollatedUser"
    monkeypatch.delattr(CollatedUser._meta.get_field("email"), "db_collation")
    assert uniqueness.is_guaranteed() is False


class Router:
    """The project keeps its users in the default database, and nothing else."""

    def db_for_read(self, model: object, **hints: object) -> str:
        return "default" if model is CollatedUser else "elsewhere"


def test_the_database_of_the_users_is_the_one_that_counts(settings: Settings) -> None:
    settings.AUTH_USER_MODEL = "accounts.CollatedUser"
    settings.DATABASE_ROUTERS = [Router()]
    assert uniqueness.is_guaranteed() is True


@pytest.mark.django_db
def test_no_query_where_the_database_guarantees_it(
    settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    user = ContactUser.objects.create(username="ada", contact="ada@example.com")
    with django_assert_num_queries(0):
        check_access(user)


@pytest.mark.django_db
def test_the_query_uses_the_index(settings: Settings) -> None:
    settings.AUTH_USER_MODEL = "accounts.IndexedUser"
    user = IndexedUser.objects.create(username="ada", email="ada@example.com")
    connection.force_debug_cursor = True
    try:
        check_access(user)
    finally:
        connection.force_debug_cursor = False
    sql = connection.queries_log[-1]["sql"]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        assert "USING INDEX indexed_email_lower" in str(cursor.fetchall())


@pytest.mark.django_db
def test_users_that_a_manager_hides_count(settings: Settings) -> None:
    settings.AUTH_USER_MODEL = "accounts.EmailUser"
    user = EmailUser.objects.create(email="ada@example.com")
    assert not uniqueness.sharers(user, "ada@example.com")
    other = EmailUser.objects.create(email="Ada@example.com")
    assert list(uniqueness.sharers(user, "ada@example.com")) == [other]


@pytest.mark.django_db
def test_an_unsaved_user_shares_with_a_saved_one(ada: User) -> None:
    unsaved = User(email="ada@example.com")
    assert list(uniqueness.sharers(unsaved, "ada@example.com")) == [ada]


def test_a_database_without_indexes_on_expressions(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MariaDB: Django warns with models.W044, and does not make the constraint."""
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    monkeypatch.setattr(type(connection.features), "supports_expression_indexes", False)
    assert not uniqueness.is_guaranteed()


def test_sharers_are_looked_for_where_the_user_is(ada: User) -> None:
    ada._state.db = "other"
    assert uniqueness.sharers(ada, "ada@example.com").db == "other"
