"""`require_verified_email`, the whole way through django-allauth's own views."""

from __future__ import annotations

import logging
import re
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.utils.connection import ConnectionDoesNotExist
from pytest_django import DjangoAssertNumQueries, Settings

from django_metabase_sso.access import check_access
from django_metabase_sso.contrib.allauth import require_verified_email
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.policies import all_of, any_of, deny_emails, trust_emails
from tests.helpers.configure import Configure
from tests.helpers.sso import FETCH, assert_error
from tests.helpers.tokens import decode, token_of
from tests.servers.fixtures import Router, rolled_back

POLICY = "django_metabase_sso.contrib.allauth.require_verified_email"
PASSWORD = "correct-horse-battery"


@pytest.fixture(autouse=True)
def policy(configure: Configure) -> None:
    configure(ACCESS_POLICY=POLICY)


def register(client: Client, username: str, email: str) -> None:
    data = {"username": username, "email": email, "password1": PASSWORD}
    assert client.post("/accounts/signup/", data).status_code == 302


def sign_in(client: Client, username: str) -> None:
    assert client.post("/accounts/logout/").status_code == 302
    data = {"login": username, "password": PASSWORD}
    assert client.post("/accounts/login/", data).status_code == 302


def confirm(client: Client, email: str) -> None:
    """Follow the link in the last message."""
    message = mail.outbox[-1]
    assert message.to == [email]
    [path] = re.findall(r"http://testserver(/accounts/confirm-email/\S+)", str(message.body))
    assert client.post(path).status_code == 302


def manage(client: Client, action: str, email: str) -> None:
    """Press a button of allauth's page of e-mail addresses."""
    assert client.post("/accounts/email/", {action: "", "email": email}).status_code == 302


def token_email(client: Client) -> object:
    return decode(token_of(client.get(FETCH)))["email"]


def assert_refused(client: Client, code: str = "policy") -> None:
    assert_error(client.get(FETCH), 403, code)


def address_of(user: User, email: str, *, verified: bool, primary: bool = True) -> None:
    from allauth.account.models import EmailAddress

    EmailAddress.objects.create(user=user, email=email, verified=verified, primary=primary)


def code_of(user: User) -> str:
    with pytest.raises(AccessRefused) as caught:
        check_access(user)
    return caught.value.code


# Through the views


def test_register_and_confirm(client: Client) -> None:
    register(client, "ada", "Ada@Example.com")
    response = client.get(FETCH)
    assert_error(response, 403, "policy")
    assert "Confirm your e-mail address" in response.json()["message"]
    confirm(client, "ada@example.com")
    assert token_email(client) == "ada@example.com"


def test_an_address_written_into_the_profile(client: Client) -> None:
    register(client, "eve", "eve@example.com")
    confirm(client, "eve@example.com")
    assert token_email(client) == "eve@example.com"
    assert client.post("/profile/", {"email": "admin@example.com"}).status_code == 200
    assert_refused(client)
    sign_in(client, "eve")  # allauth now lists the address, unverified
    assert_refused(client)
    manage(client, "action_primary", "admin@example.com")
    assert_refused(client)
    manage(client, "action_send", "admin@example.com")
    assert_refused(client)
    confirm(client, "admin@example.com")
    assert_refused(client)  # verified, and not yet primary
    manage(client, "action_primary", "admin@example.com")
    assert token_email(client) == "admin@example.com"


def test_a_second_address(client: Client) -> None:
    register(client, "ada", "ada@example.com")
    confirm(client, "ada@example.com")
    manage(client, "action_add", "ada@example.org")
    assert token_email(client) == "ada@example.com"
    manage(client, "action_primary", "ada@example.org")
    assert token_email(client) == "ada@example.com"
    confirm(client, "ada@example.org")
    manage(client, "action_primary", "ada@example.org")
    assert token_email(client) == "ada@example.org"


def test_a_change_of_address(client: Client, settings: Settings) -> None:
    settings.ACCOUNT_CHANGE_EMAIL = True
    register(client, "ada", "ada@example.com")
    confirm(client, "ada@example.com")
    manage(client, "action_add", "ada@example.org")
    assert token_email(client) == "ada@example.com"  # it is the account's until then
    confirm(client, "ada@example.org")
    assert token_email(client) == "ada@example.org"


def test_an_account_that_allauth_does_not_know(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert_refused(client)


# Which addresses count


@pytest.mark.parametrize(
    ("email", "verified", "primary", "allowed"),
    [
        ("ada@example.com", True, True, True),
        ("Ada@EXAMPLE.com", True, True, True),
        ("ada@example.com", False, True, False),
        ("ada@example.com", True, False, False),
        ("ada@example.org", True, True, False),
    ],
)
def test_addresses(ada: User, email: str, verified: bool, primary: bool, allowed: bool) -> None:
    address_of(ada, email, verified=verified, primary=primary)
    if allowed:
        check_access(ada)
    else:
        assert code_of(ada) == "policy"


def test_a_letter_that_lower_cases_to_ascii(ada: User) -> None:
    """U+212A, the Kelvin sign, is another mailbox than k."""
    ada.email = "k@example.com"
    address_of(ada, "\u212a@example.com", verified=True)
    assert code_of(ada) == "policy"


# Shared addresses


@pytest.fixture
def verified(ada: User) -> User:
    address_of(ada, "ada@example.com", verified=True)
    return ada


@pytest.fixture
def eve(db: None) -> User:
    """Somebody who typed Ada's address."""
    return User.objects.create_user("eve", "ADA@example.com")


@pytest.mark.usefixtures("verified")
def test_nobody_locks_the_owner_out(client: Client, ada: User) -> None:
    register(client, "eve", "eve@example.com")
    confirm(client, "eve@example.com")
    assert client.post("/profile/", {"email": "ada@example.com"}).status_code == 200
    sign_in(client, "eve")
    assert_refused(client)  # by the policy, which says nothing about the other account
    client.force_login(ada)
    assert token_email(client) == "ada@example.com"


def test_a_sharer_who_has_it_verified_too(verified: User, eve: User) -> None:
    from allauth.account.models import EmailAddress

    for primary in (True, False):
        # allauth's constraint is on the exact text; it lower-cases what people type.
        address_of(eve, "ADA@example.com", verified=True, primary=primary)
        assert code_of(verified) == "shared-email"
        assert code_of(eve) == ("shared-email" if primary else "policy")
        EmailAddress.objects.filter(user=eve).delete()
    check_access(verified)


def test_a_sharer_who_is_switched_off_and_has_it_verified(verified: User, eve: User) -> None:
    User.objects.filter(pk=eve.pk).update(is_active=False)
    check_access(verified)
    address_of(eve, "ADA@example.com", verified=True)
    assert code_of(verified) == "shared-email"


def test_two_who_both_have_it_unverified(ada: User, eve: User) -> None:
    assert code_of(ada) == code_of(eve) == "policy"


@pytest.mark.parametrize(
    "composed",
    [
        require_verified_email,
        all_of(POLICY, trust_emails),
        all_of(deny_emails("*@corp.example"), require_verified_email),
        all_of(trust_emails, all_of(POLICY)),
        any_of(POLICY, require_verified_email),
    ],
)
def test_policies_that_set_sharers_aside(
    verified: User, eve: User, configure: Configure, composed: Any
) -> None:
    configure(ACCESS_POLICY=composed)
    check_access(verified)
    assert code_of(eve) == "policy"
    address_of(eve, "ADA@example.com", verified=True)
    assert code_of(verified) == "shared-email"


@pytest.mark.parametrize(
    "composed",
    [
        trust_emails,
        None,
        any_of(POLICY, trust_emails),
        all_of(trust_emails, any_of(trust_emails, POLICY)),
        partial(require_verified_email),  # a wrapper has no mark
    ],
)
@pytest.mark.usefixtures("eve")
def test_policies_that_do_not(verified: User, configure: Configure, composed: Any) -> None:
    configure(ACCESS_POLICY=composed)
    assert code_of(verified) == "shared-email"


def test_sharers_are_logged(verified: User, eve: User, caplog: pytest.LogCaptureFixture) -> None:
    check_access(verified)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == f"User {verified.pk} shares an e-mail address with {eve.pk}."
    found = record.__dict__
    assert (found["code"], found["user_id"]) == ("shared-email", verified.pk)
    assert found["sharer_ids"] == [eve.pk]


@pytest.mark.parametrize(
    ("address", "locks_out"),
    [("ada@exámple.com", False), ("ADA@example.com", True), ("ada@example.com ", False)],
)
def test_letters_that_only_the_database_takes_for_the_same(
    settings: Settings, mariadb_database: str, address: str, locks_out: bool
) -> None:
    call_command("migrate", "account", database=mariadb_database, verbosity=0)
    settings.DATABASE_ROUTERS = [Router(mariadb_database)]
    with rolled_back(mariadb_database):
        ada = User.objects.create_user("ada", "Ada@Example.com")
        eve = User.objects.create_user("eve", "ADA@example.com")  # typed, and nothing more
        address_of(ada, "ada@example.com", verified=True)
        address_of(eve, address, verified=True, primary=False)
        if locks_out:
            assert code_of(ada) == "shared-email"
        else:
            check_access(ada)


def test_who_verified_it_is_asked_where_that_is_written(
    verified: User, eve: User, settings: Settings
) -> None:
    address_of(eve, "ADA@example.com", verified=True)
    settings.DATABASE_ROUTERS = [Lagging()]
    with pytest.raises(ConnectionDoesNotExist, match="primary"):
        check_access(verified)


class Lagging:
    """What is written is elsewhere, for django-allauth alone."""

    def db_for_write(self, model: Any, **hints: object) -> str | None:
        return "primary" if model._meta.app_label == "account" and not hints else None


def test_a_thousand_sharers(verified: User, caplog: pytest.LogCaptureFixture) -> None:
    User.objects.bulk_create(
        User(username=f"eve{n}", email="ada@example.com") for n in range(1000)
    )
    check_access(verified)
    [record] = caplog.records
    assert record.getMessage().endswith(" and more.")
    assert len(record.__dict__["sharer_ids"]) == 10
    address_of(User.objects.get(username="eve999"), "ADA@example.com", verified=True)
    assert code_of(verified) == "shared-email"


def test_queries(
    verified: User, django_assert_num_queries: DjangoAssertNumQueries, configure: Configure
) -> None:
    with django_assert_num_queries(2):  # is it shared, and is it verified
        check_access(verified)
    configure(REQUIRE_UNIQUE_EMAIL=False)
    with django_assert_num_queries(1):
        check_access(verified)
    configure(REQUIRE_UNIQUE_EMAIL=True)
    User.objects.create_user("eve", "ada@example.com")
    with django_assert_num_queries(4):  # who has it verified, and is that one of the sharers
        check_access(verified)
