"""Who a call is made as."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import isolate_apps
from django.utils.connection import ConnectionDoesNotExist
from django.utils.functional import SimpleLazyObject
from pytest_django import DjangoAssertNumQueries

from django_metabase_sso.client import agent_headers
from django_metabase_sso.client.people import person
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.signals import token_issued
from tests.accounts.models import EmailUser
from tests.conftest import Configure, decode, receiving
from tests.test_redacted import assert_clean


def test_read_again(ada: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    User.objects.update(email="new@example.com")
    with django_assert_num_queries(2):  # the user, and the uniqueness of the address
        found = person(ada, None)
    assert found.claims["email"] == "new@example.com"
    assert found.user is not ada
    assert ada.email == "Ada@example.com"


def test_read_again_where_the_user_is(ada: User) -> None:
    """A user of another database has a key that is somebody else's in the default one."""
    ada._state.db = "other"
    with pytest.raises(ConnectionDoesNotExist, match="other"):
        person(ada, None)


def test_the_lazy_user_of_a_request(ada: User) -> None:
    lazy: Any = SimpleLazyObject(lambda: ada)
    assert person(lazy, None).key == person(ada, None).key


@isolate_apps("tests.accounts")
def test_a_proxy_is_the_same_user(ada: User) -> None:
    class Staff(User):
        class Meta:
            proxy = True
            app_label = "accounts"

    staff = Staff.objects.get()
    assert person(staff, None).key == person(ada, None).key
    assert type(person(staff, None).user) is Staff


@pytest.mark.parametrize("mark", ["is_hijacked", "is_impersonate"])
def test_marks_of_impersonation_are_kept(ada: User, mark: str) -> None:
    setattr(ada, mark, True)
    with pytest.raises(AccessRefused, match="impersonated"):
        person(ada, None)


def test_marks_of_a_second_factor_are_kept(ada: User, configure: Configure) -> None:
    def verified(user: Any, request: HttpRequest | None) -> bool:
        return bool(user.is_verified())

    configure(ACCESS_POLICY=verified)
    ada.is_verified = lambda: True  # type: ignore[attr-defined]
    assert person(ada, None).user == ada
    ada.is_verified = lambda: False  # type: ignore[attr-defined]
    with pytest.raises(AccessRefused, match="policy"):
        person(ada, None)


def test_permissions_are_not_kept(ada: User) -> None:
    assert ada.has_perm("auth.view_user") is False  # fills a cache on the object
    assert vars(ada).keys() - vars(person(ada, None).user).keys() >= {"_perm_cache"}


def test_a_model_without_a_username(db: None, settings: Any) -> None:
    settings.AUTH_USER_MODEL = "accounts.EmailUser"
    user = EmailUser.objects.create(email="eve@example.com")
    assert person(user, None).claims == {"email": "eve@example.com"}


def test_agent_headers(ada: User, rf: RequestFactory) -> None:
    issued: list[Any] = []

    def note(**kwargs: Any) -> None:
        issued.append((kwargs["user"], kwargs["request"]))

    request = rf.get("/")
    with receiving(note, token_issued):
        headers = agent_headers(ada, request)
    kind, _, token = headers["Authorization"].partition(" ")
    assert kind == "Bearer"
    assert decode(token)["email"] == "ada@example.com"
    assert time.time() - decode(token)["iat"] < 5
    assert issued == [(ada, request)]
    assert_clean(repr(headers))


def test_agent_headers_for_nobody(db: None, ada: User) -> None:
    User.objects.update(is_active=False)
    nobody: Any = AnonymousUser()
    for user in (ada, nobody):
        with pytest.raises(AccessRefused):
            agent_headers(user)
