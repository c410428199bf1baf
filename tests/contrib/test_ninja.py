"""AUTHENTICATE by Django Ninja's own classes, against the session."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.test import Client
from ninja.errors import AuthenticationError, HttpError
from ninja.security import APIKeyCookie, APIKeyHeader, APIKeyQuery, HttpBasicAuth, HttpBearer
from ninja.security import django_auth as session_auth

from django_metabase_sso.contrib.ninja import using
from django_metabase_sso.exceptions import BadSetting
from django_metabase_sso.policies import trust_emails
from tests.helpers.configure import Configure
from tests.helpers.findings import messages
from tests.helpers.markdown import blocks
from tests.helpers.sso import FETCH, assert_error
from tests.helpers.tokens import decode, token_of


def owner(token: str | None) -> User | None:
    """What an API of Ninja's does with a token: None for a bad one."""
    return User.objects.filter(username=token).first()


class Bearer(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        return owner(token)


class Basic(HttpBasicAuth):
    def authenticate(self, request: HttpRequest, username: str, password: str) -> User | None:
        return owner(username) if password == "good" else None


class Key(APIKeyHeader):
    param_name = "X-API-Key"

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        return owner(key)


class QueryKey(APIKeyQuery):
    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        return owner(key)


class Cookie(APIKeyCookie):
    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        return owner(key)


BEARER = Bearer()


@pytest.fixture
def eve(db: None) -> User:
    return User.objects.create_user("eve", "eve@example.com")


@pytest.fixture(autouse=True)
def project(configure: Configure) -> None:
    every = using(BEARER, Basic(), Key(), QueryKey(), Cookie(), session_auth)
    configure(AUTHENTICATE=every, ACCESS_POLICY=trust_emails)


def get(client: Client, query: str = "", **headers: str) -> Any:
    return client.get(FETCH + query, headers=headers)


def email_of(response: Any) -> object:
    return decode(token_of(response))["email"]


BASIC_EVE = "Basic ZXZlOmdvb2Q="
SENT: list[tuple[str, dict[str, str]]] = [
    ("", {"Authorization": "Bearer eve"}),
    ("", {"Authorization": BASIC_EVE}),
    ("", {"X-API-Key": "eve"}),
    ("&key=eve", {}),
]
BAD: list[tuple[str, dict[str, str]]] = [
    ("", {"Authorization": "Bearer nobody"}),
    ("", {"Authorization": "Bearer"}),
    ("", {"Authorization": "Basic ZXZlOmJhZA=="}),
    ("", {"Authorization": "Digest eve"}),
    ("", {"Authorization": ""}),
    ("", {"X-API-Key": "nobody"}),
    ("&key=", {}),
]


@pytest.mark.parametrize(("query", "headers"), SENT)
@pytest.mark.usefixtures("eve")
def test_a_credential_wins(signed_in: Client, query: str, headers: dict[str, str]) -> None:
    assert email_of(get(Client(), query, **headers)) == "eve@example.com"
    assert email_of(get(signed_in, query, **headers)) == "eve@example.com"


@pytest.mark.parametrize(("query", "headers"), BAD)
def test_a_bad_credential(signed_in: Client, query: str, headers: dict[str, str]) -> None:
    """It never falls back to the session."""
    for client in (Client(), signed_in):
        response = get(client, query, **headers)
        assert_error(response, 401, "invalid-credentials")


def test_nothing_was_sent(client: Client, signed_in: Client) -> None:
    assert email_of(get(signed_in)) == "ada@example.com"
    assert_error(get(Client()), 401, "not-authenticated")


def test_a_cookie(client: Client, eve: User) -> None:
    client.cookies["key"] = "eve"
    assert email_of(get(client)) == "eve@example.com"
    client.cookies["key"] = "nobody"
    assert_error(get(client), 401, "not-authenticated")


def test_ninjas_class_by_itself_falls_back(signed_in: Client, configure: Configure) -> None:
    """Why `using` is needed: None means no opinion."""
    configure(AUTHENTICATE=BEARER)
    assert email_of(get(signed_in, Authorization="Bearer nobody")) == "ada@example.com"


@pytest.mark.parametrize("path", ["BEARER", "Bearer"])
@pytest.mark.usefixtures("eve")
def test_dotted_paths(client: Client, configure: Configure, path: str) -> None:
    configure(AUTHENTICATE=using(f"tests.contrib.test_ninja.{path}"))
    assert messages() == {}
    assert email_of(get(client, Authorization="Bearer eve")) == "eve@example.com"
    assert_error(get(client, Authorization="Bearer x"), 401, "invalid-credentials")


def answering(answer: Any) -> Any:
    def auth(request: HttpRequest) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return using(auth)


@pytest.mark.parametrize("error", [AuthenticationError(message="No."), HttpError(403, "No.")])
def test_a_refusal(signed_in: Client, configure: Configure, error: Exception) -> None:
    configure(AUTHENTICATE=answering(error))
    response = get(signed_in)
    assert_error(response, 401, "invalid-credentials")
    assert response.json()["message"] == "No."


def test_a_fault_is_not_a_refusal(signed_in: Client, configure: Configure) -> None:
    configure(AUTHENTICATE=answering(HttpError(503, "The directory is down.")))
    with pytest.raises(HttpError):
        get(signed_in)


def test_what_is_not_a_user(signed_in: Client, configure: Configure) -> None:
    configure(AUTHENTICATE=answering("a token"))
    with pytest.raises(ImproperlyConfigured, match="returned a str"):
        get(signed_in)


def test_nobody(signed_in: Client, configure: Configure) -> None:
    configure(AUTHENTICATE=answering(AnonymousUser()))
    assert_error(get(signed_in), 401, "invalid-credentials")


def test_mistakes(configure: Configure) -> None:
    with pytest.raises(ValueError, match="auth="):
        using()
    configure(AUTHENTICATE=using("tests.contrib.test_ninja.Nothing"))
    assert list(messages()) == ["E015"]
    with pytest.raises(BadSetting):
        get(Client())


def test_the_page(
    signed_in: Client, eve: User, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code of docs/bearer-tokens.md, with REST framework's model for the token."""
    from rest_framework.authtoken import models

    api, settings = [code for code in blocks("python") if "ninja" in code]
    project = ModuleType("project.api")
    monkeypatch.setitem(sys.modules, "project", ModuleType("project"))
    monkeypatch.setitem(sys.modules, "project.api", project)
    exec(
        api.replace("from accounts", "from rest_framework.authtoken").replace("Api", ""),
        vars(project),
    )
    names: dict[str, Any] = {"METABASE_SSO": {}}
    exec(settings, names)
    configure(**names["METABASE_SSO"])
    assert messages() == {}
    key = models.Token.objects.create(user=eve).key
    assert email_of(get(signed_in, Authorization=f"Bearer {key}")) == "eve@example.com"
    assert email_of(get(signed_in)) == "ada@example.com"
    assert_error(get(signed_in, Authorization="Bearer x"), 401, "invalid-credentials")
