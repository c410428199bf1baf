"""The answers of real databases, compared with the ORM's and with Python's idea of equal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.checks import Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from django_metabase_sso.access import check_access
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.identity import uniqueness
from django_metabase_sso.identity.users import find_user, users_by_email
from tests.accounts.models import GeneratedUser, IndexedUser
from tests.helpers.configure import Configure
from tests.servers.fixtures import Router, rolled_back

ADA = "ada@example.com"
IDA = "ida@example.com"
ADDRESSES = [
    ADA,
    "Ada@Example.com",
    "ADA@EXAMPLE.COM",
    "ada@exámple.com",
    "ada@example.com ",
    " ada@example.com",
    "ada@example.co",
    "",
    IDA,
    "Ida@Example.com",
    "IDA@EXAMPLE.COM",
    "ıda@example.com",
    "İda@example.com",
    "ida@example.com\N{COMBINING DOT ABOVE}",
    "ⓘda@example.com",
    "michal@example.cz",
    "micHal@example.cz",
    "MICHAL@example.cz",
    "mark@example.com",
    "mar\N{KELVIN SIGN}@example.com",
    "MARK@EXAMPLE.COM",
    "a_a@example.com",
    "aba@example.com",
    "a%a@example.com",
    "o'neil\\@example.com",
]
CANONICAL = sorted({address.lower() for address in ADDRESSES if address and address.isascii()})
MODELS = ["auth.User", "accounts.HidingUser", "accounts.MemberUser", "accounts.GeneratedUser"]
# Other ideas of equality and of lower case.
COLLATIONS = {
    "postgresql": [
        '"C"',
        '"tr-x-icu"',  # the lower case of I is a dotless i
        '"az-x-icu"',
        "case_insensitive",
    ],
    "mariadb": [
        "utf8mb4_bin",
        "utf8mb4_general_ci",
        "utf8mb4_unicode_520_ci",
        "utf8mb4_czech_ci",  # ch is one letter
        "utf8mb4_danish_ci",
        "utf8mb4_turkish_ci",
        "utf8mb4_uca1400_turkish_ai_ci",
    ],
}


@pytest.fixture(params=["default", "postgresql", "mariadb"])
def alias(request: pytest.FixtureRequest, settings: Settings) -> str:
    """A database of each kind, in which the users are."""
    fixture = {"default": "db"}.get(request.param, request.param)
    request.getfixturevalue(fixture)
    settings.DATABASE_ROUTERS = [Router(request.param)]
    return str(request.param)


@contextmanager
def asking_again() -> Iterator[None]:
    """Forget what was asked once for the process, now and afterwards."""
    uniqueness.lowers_capital_i.cache_clear()
    yield
    uniqueness.lowers_capital_i.cache_clear()
    uniqueness.statement.cache_clear()


def add(email: str, **values: Any) -> Any:
    """Save a user of the project's model with this address."""
    model = get_user_model()
    if model.USERNAME_FIELD == "username":
        values["username"] = f"user {model._base_manager.count()}"
    return model._base_manager.create(**{model.get_email_field_name(): email, **values})


def assert_answers() -> None:
    """Compare each answer with the ORM's, and with what Python says about each row."""
    model = get_user_model()
    people = [add(address) for address in ADDRESSES]
    for email in CANONICAL:
        same = {user.pk for user in people if user.email.isascii() and user.email.lower() == email}
        assert {user.pk for user in users_by_email([email]).get(email, [])} == same
        using = uniqueness.home()
        assert uniqueness.statement(model, using) is not None
        by_orm = uniqueness.folded_users(using).filter(_email=email).values_list("pk", "email")
        assert sorted(uniqueness._rows(email, using, None)) == sorted(by_orm)
        for user in people:
            if user.pk in same:
                others = uniqueness.other_users(user, email)
                assert set(others) == same - {user.pk}
                assert others == sorted(others)


@pytest.mark.usefixtures("alias")
@pytest.mark.parametrize("model", MODELS)
def test_answers(settings: Settings, model: str) -> None:
    settings.AUTH_USER_MODEL = model
    with asking_again():
        assert_answers()


@contextmanager
def collated(alias: str, collation: str) -> Iterator[None]:
    """Give the column another collation for as long as the block."""
    table = IndexedUser._meta.db_table
    charset = collation.partition("_")[0]
    change = {
        "postgresql": f"ALTER TABLE {table} ALTER email TYPE varchar(254) COLLATE {collation}",
        "mariadb": f"ALTER TABLE {table} MODIFY email varchar(254) CHARACTER SET {charset}"
        f" COLLATE {collation} NOT NULL",
    }
    with connections[alias].cursor() as cursor:
        cursor.execute(change[alias])
    with asking_again():
        yield


@pytest.mark.parametrize("collation", COLLATIONS["postgresql"])
def test_answers_of_postgresql(settings: Settings, postgresql: str, collation: str) -> None:
    settings.DATABASE_ROUTERS = [Router(postgresql)]
    settings.AUTH_USER_MODEL = "accounts.IndexedUser"
    with connections[postgresql].cursor() as cursor:
        cursor.execute(
            "CREATE COLLATION case_insensitive"
            " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
    with collated(postgresql, collation):
        assert_answers()
        field = IndexedUser._meta.get_field("email")
        is_turkish = collation in {'"tr-x-icu"', '"az-x-icu"'}
        assert uniqueness.lowers_capital_i(field, postgresql) is not is_turkish


@pytest.mark.parametrize("collation", COLLATIONS["mariadb"])
def test_answers_of_mariadb(settings: Settings, mariadb_database: str, collation: str) -> None:
    settings.DATABASE_ROUTERS = [Router(mariadb_database)]
    settings.AUTH_USER_MODEL = "accounts.IndexedUser"
    with (
        collated(mariadb_database, collation),
        rolled_back(mariadb_database),
    ):
        assert_answers()


@pytest.mark.parametrize("alias", ["postgresql"], indirect=True)
def test_a_constraint_of_a_turkish_column_guarantees_nothing(
    settings: Settings, alias: str
) -> None:
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    with asking_again():
        assert uniqueness.is_guaranteed()
    with connections[alias].cursor() as cursor:
        cursor.execute(
            'ALTER TABLE accounts_contactuser ALTER contact TYPE varchar(254) COLLATE "tr-x-icu"'
        )
    with asking_again():
        people = [add("Ida@example.com"), add("ida@example.com")]  # the constraint lets both in
        assert not uniqueness.is_guaranteed()
        assert uniqueness.other_users(people[0], IDA) == [people[1].pk]
        with pytest.raises(AccessRefused, match="shared-email"):
            check_access(people[1])


def test_a_unique_column_that_takes_two_letters_for_one(
    settings: Settings, mariadb_database: str
) -> None:
    settings.DATABASE_ROUTERS = [Router(mariadb_database)]
    settings.AUTH_USER_MODEL = "accounts.EmailUser"
    with connections[mariadb_database].cursor() as cursor:
        cursor.execute(
            "ALTER TABLE accounts_emailuser"
            " MODIFY email varchar(254) COLLATE utf8mb4_czech_ci NOT NULL"
        )
    with asking_again(), rolled_back(mariadb_database):
        people = [add("michal@example.cz"), add("micHal@example.cz")]
        for user in people:
            with pytest.raises(AccessRefused, match="shared-email"):
                check_access(user)
        assert uniqueness.shared_addresses() == ["michal@example.cz"]


def test_letters_that_only_the_database_takes_for_the_same(alias: str) -> None:
    """ada@exámple.com is not a sharer of ada@example.com, although MariaDB says so."""
    user = add(ADA)
    add("ada@exámple.com")
    with asking_again():
        check_access(user)
        assert uniqueness.shared_addresses() == []


@pytest.mark.parametrize("is_active", [True, False])
def test_rows_that_managers_hide(settings: Settings, alias: str, is_active: bool) -> None:
    settings.AUTH_USER_MODEL = "accounts.HidingUser"
    user, other = add("Ada@example.com"), add(ADA, is_active=is_active)
    with asking_again():
        assert uniqueness.other_users(user, ADA) == [other.pk]
        assert sorted(one.pk for one in users_by_email([ADA])[ADA]) == sorted([user.pk, other.pk])
        assert find_user(f"pk={other.pk}") == other
        assert uniqueness.other_users(user, ADA, models.Q(is_active=True)) == (
            [other.pk] if is_active else []
        )


@pytest.mark.parametrize("model", MODELS)
def test_one_query(settings: Settings, alias: str, model: str) -> None:
    settings.AUTH_USER_MODEL = model
    user = add(ADA)
    with asking_again():
        with CaptureQueriesContext(connections[alias]) as first:
            check_access(user)
        with CaptureQueriesContext(connections[alias]) as later:
            check_access(user)
    assert (len(first), len(later)) == (2, 1)
    # The statement of later tokens is the ORM's own, with the address as a parameter.
    assert later[0]["sql"] == first[1]["sql"]


def test_the_query_uses_the_index(settings: Settings, alias: str) -> None:
    model = GeneratedUser if alias == "mariadb" else IndexedUser
    settings.AUTH_USER_MODEL = f"accounts.{model.__name__}"
    connection = connections[alias]
    user = add(ADA)
    others: list[Any] = [model(username=str(n), email=f"{n}@a.example") for n in range(2000)]
    model._base_manager.bulk_create(others)
    with asking_again(), CaptureQueriesContext(connection) as queries:
        check_access(user)
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE" if alias != "mariadb" else f"ANALYZE TABLE {model._meta.db_table}"
        )
        cursor.execute(f"{explain} {queries[-1]['sql']}")
        plan = str(cursor.fetchall())
    assert "email_lower" in plan


# The user's own row


def test_an_address_that_was_changed_in_memory(alias: str) -> None:
    user = add(ADA)
    ceo = add("ceo@example.com")
    with asking_again():
        for address in ("eve@example.com", "ceo@example.com"):
            user.email = address
            with pytest.raises(AccessRefused) as caught:
                check_access(user)
            assert caught.value.code == "unsaved-email"
        user.email = ADA.upper()  # to Metabase the same
        check_access(user)
        check_access(ceo)


def test_a_user_who_is_not_saved(alias: str) -> None:
    user = add(ADA)
    user.delete()
    with asking_again():
        for gone in (user, User(username="new", email=ADA), User(pk=77, email=ADA)):
            with pytest.raises(AccessRefused) as caught:
                check_access(gone)
            assert caught.value.code == "unsaved-email"


def test_a_key_of_another_type(alias: str) -> None:
    user = add(ADA)
    user.pk = str(user.pk)
    with asking_again():
        check_access(user)


# Where this user is written


class ByName:
    """Sharded users: each is written where the hint says."""

    def db_for_write(self, model: object, **hints: Any) -> str | None:
        return "postgresql" if getattr(hints.get("instance"), "username", "") == "there" else None


def test_the_database_where_this_user_is_written(settings: Settings, postgresql: str) -> None:
    """Not the one it was read from: a replica that lags behind knows less."""
    settings.DATABASE_ROUTERS = [ByName()]
    here, there = User(username="here", email=ADA), User(username="there", email=ADA)
    here.save(using="default")
    there.save(using="postgresql")
    there._state.db = "default"
    with asking_again():
        check_access(here)
        check_access(there)
        twin = User(username="twin", email=ADA.upper())
        twin.save(using="postgresql")
        check_access(here)
        with pytest.raises(AccessRefused, match="shared-email"):
            check_access(there)


# Columns that a database cannot compare

ENCRYPTED = ["accounts.EncryptedUser", "accounts.FernetUser"]


def database_findings(alias: str) -> list[str | None]:
    """Return the ids of our findings about this database."""
    found = run_checks(tags=[Tags.database], databases=[alias])
    return [one.id for one in found if str(one.id).startswith("metabase_sso.")]


@pytest.mark.parametrize("model", ENCRYPTED)
def test_an_encrypted_address(
    settings: Settings, alias: str, model: str, configure: Configure
) -> None:
    settings.AUTH_USER_MODEL = model
    with asking_again():
        assert database_findings(alias) == []  # nobody has an address
        assert users_by_email([ADA]) == {}
        add("")
        for user in (add(ADA), add("ADA@example.com")):
            with pytest.raises(ImproperlyConfigured, match="cannot compare the column") as caught:
                check_access(get_user_model()._base_manager.get(pk=user.pk))
            assert "example.com" not in str(caught.value)
            user.email = "eve@example.com"
            with pytest.raises(AccessRefused, match="unsaved-email"):
                check_access(user)
        assert database_findings(alias) == ["metabase_sso.E027"]
        with pytest.raises(ImproperlyConfigured, match="cannot compare the column"):
            users_by_email([ADA])  # or nobody would seem to be behind an account
        configure(REQUIRE_UNIQUE_EMAIL=False)
        assert database_findings(alias) == []
        check_access(user)


@pytest.mark.parametrize("alias", ["postgresql"], indirect=True)
def test_a_column_without_letters(settings: Settings, alias: str) -> None:
    settings.AUTH_USER_MODEL = "accounts.HidingUser"
    user = add(ADA)
    with connections[alias].cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_hidinguser ALTER email TYPE bytea USING email::bytea")
    with asking_again():
        assert database_findings(alias) == ["metabase_sso.E027"]
        with pytest.raises(ImproperlyConfigured, match="cannot compare"):
            check_access(user)


@pytest.mark.parametrize("alias", ["postgresql"], indirect=True)
def test_a_statement_that_the_database_refuses(settings: Settings, alias: str) -> None:
    settings.AUTH_USER_MODEL = "accounts.HidingUser"
    user = add(ADA)
    with asking_again():
        check_access(user)
        with connections[alias].cursor() as cursor:
            table = "accounts_hidinguser"
            cursor.execute(f"ALTER TABLE {table} ALTER email TYPE bytea USING ''::bytea")
        with (
            pytest.raises(ImproperlyConfigured, match="cannot compare"),
            transaction.atomic(using=alias),
        ):
            check_access(user)
