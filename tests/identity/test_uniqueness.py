"""What a model declares; what the database answers is in test_uniqueness_databases.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from django.db.models.functions import Lower, Upper
from pytest_django import DjangoAssertNumQueries, Settings

from django_metabase_sso.access import check_access
from django_metabase_sso.identity import uniqueness
from django_metabase_sso.identity.users import users_by_email
from tests.accounts.models import (
    ContactUser,
    EmailUser,
    GeneratedUser,
    IndexedUser,
    PropertyUser,
)


@pytest.fixture(autouse=True)
def _ask_again() -> Iterator[None]:
    yield
    uniqueness.lowers_capital_i.cache_clear()
    uniqueness.statement.cache_clear()
    assert uniqueness.lowers_capital_i.cache_info().currsize == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "guaranteed", "indexed"),
    [
        ("auth.User", False, False),
        ("accounts.EmailUser", False, False),  # unique=True alone lets Ada@ and ada@ in
        ("accounts.ContactUser", True, False),
        ("accounts.IndexedUser", False, True),
        ("accounts.CollatedUser", False, False),  # a collation may take several letters for one
        ("accounts.PropertyUser", False, False),
        ("accounts.MemberUser", False, False),
        ("accounts.GeneratedUser", False, True),
    ],
)
def test_what_a_model_declares(
    settings: Settings, model: str, guaranteed: bool, indexed: bool
) -> None:
    settings.AUTH_USER_MODEL = model
    assert uniqueness.is_declared_unique() is guaranteed
    assert uniqueness.is_guaranteed() is guaranteed
    assert uniqueness.is_indexed() is indexed


@pytest.mark.parametrize(
    ("constraint", "declared"),
    [
        (models.UniqueConstraint(Lower("email"), name="c"), True),
        (models.UniqueConstraint(Lower(models.F("email")), name="c"), True),
        (models.UniqueConstraint(Upper("email"), name="c"), False),  # the query is for LOWER()
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
    settings: Settings, monkeypatch: pytest.MonkeyPatch, constraint: Any, declared: bool
) -> None:
    settings.AUTH_USER_MODEL = "accounts.IndexedUser"
    monkeypatch.setattr(IndexedUser._meta, "constraints", [constraint])
    assert uniqueness.is_declared_unique() is declared


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


@pytest.mark.parametrize(
    ("changed", "value", "indexed"),
    [
        ("db_index", False, False),
        ("unique", True, True),
        ("expression", Upper("email"), False),
    ],
)
def test_generated_columns(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, changed: str, value: object, indexed: bool
) -> None:
    settings.AUTH_USER_MODEL = "accounts.GeneratedUser"
    field = GeneratedUser._meta.get_field("email_lower")
    monkeypatch.setattr(field, "db_index", False)
    monkeypatch.setattr(field, changed, value)
    assert uniqueness.is_indexed() is indexed


def test_a_constraint_of_a_table_that_django_does_not_make(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    monkeypatch.setattr(ContactUser._meta, "managed", False)
    assert uniqueness.is_declared_unique() is False


class Encrypted(models.EmailField):  # type: ignore[type-arg]
    """A field that hands something else to the database; so the constraint compares nothing."""

    def get_prep_value(self, value: Any) -> Any:
        return value[::-1]


class Named(models.EmailField):  # type: ignore[type-arg]
    """A field of a project that leaves the values alone."""


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "guaranteed"), [(Encrypted, False), (Named, True)])
def test_a_constraint_on_a_field_of_the_project(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, kind: Any, guaranteed: bool
) -> None:
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    monkeypatch.setattr(ContactUser._meta.get_field("contact"), "__class__", kind)
    assert uniqueness.is_guaranteed() is guaranteed
    assert (uniqueness.statement(ContactUser, "default") is not None) is guaranteed
    assert Encrypted().get_prep_value("ab") == "ba"


@pytest.mark.django_db
def test_no_query_where_the_database_guarantees_it(
    settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """But for one in each process: what the lower case of I is."""
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    user = ContactUser.objects.create(username="ada", contact="ada@example.com")
    with django_assert_num_queries(1):
        check_access(user)
    with django_assert_num_queries(0):
        check_access(user)


def test_a_database_without_indexes_on_expressions(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MariaDB: Django warns with models.W044, and does not make the constraint."""
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    monkeypatch.setattr(type(connection.features), "supports_expression_indexes", False)
    assert uniqueness.is_declared_unique()
    assert not uniqueness.is_guaranteed()


@pytest.mark.django_db
def test_an_address_that_is_not_in_a_column(settings: Settings) -> None:
    settings.AUTH_USER_MODEL = "accounts.PropertyUser"
    user = PropertyUser.objects.create(username="ada")
    with pytest.raises(ImproperlyConfigured, match="REQUIRE_UNIQUE_EMAIL"):
        check_access(user)


@pytest.mark.django_db
def test_which_database_has_the_users(settings: Settings) -> None:
    class Router:
        def db_for_write(self, model: object, **hints: object) -> str:
            return "default" if model is EmailUser else "elsewhere"

    settings.DATABASE_ROUTERS = [Router()]
    assert uniqueness.home() == "elsewhere"
    settings.AUTH_USER_MODEL = "accounts.EmailUser"
    assert uniqueness.home() == "default"
    user = EmailUser.objects.create(email="ada@example.com")
    assert users_by_email(["ada@example.com"]) == {"ada@example.com": [user]}
