from __future__ import annotations

import base64
import dataclasses
import json
import logging
import pprint
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.signals import token_issued, token_refused
from django_metabase_sso.tokens import grant_for, issue_token, sign
from tests.helpers.configure import Configure
from tests.helpers.signals import Recorder
from tests.helpers.sso import FETCH
from tests.helpers.tokens import decode, token_of
from tests.settings import SECRET


def test_issue_token(
    ada: User, configure: Configure, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ada.groups.add(Group.objects.create(name="sales"))
    configure(GROUP_MAPPING={"sales": "Sales"})
    issue_token(ada)  # the first token of a process costs one query more
    before = int(time.time())
    with django_assert_num_queries(2):
        token = issue_token(ada)
    claims = decode(token)
    assert before <= claims["iat"] <= int(time.time())
    assert claims["exp"] == claims["iat"] + 600
    assert claims["groups"] == ["Sales"]


def test_the_view_and_issue_token_agree(signed_in: Client, ada: User) -> None:
    from_view, from_function = decode(token_of(signed_in.get(FETCH))), decode(issue_token(ada))
    for claims in (from_view, from_function):
        del claims["iat"], claims["exp"]
    assert from_view == from_function


def test_header_is_hs256_alone(ada: User) -> None:
    assert jwt.get_unverified_header(issue_token(ada)) == {"alg": "HS256", "typ": "JWT"}


@pytest.mark.parametrize(
    ("lifetime", "seconds"), [(5, 5), (timedelta(hours=1), 3600), (timedelta(seconds=1.9), 1)]
)
def test_lifetime(ada: User, configure: Configure, lifetime: Any, seconds: int) -> None:
    configure(TOKEN_LIFETIME=lifetime)
    claims = decode(issue_token(ada))
    assert claims["exp"] - claims["iat"] == seconds
    assert type(claims["iat"]) is type(claims["exp"]) is int


def test_payload_is_raw_utf8(ada: User) -> None:
    ada.last_name = "Лавлейс 李 😀"
    payload = issue_token(ada).split(".")[1]
    text = base64.urlsafe_b64decode(payload + "==").decode()
    assert "Лавлейс 李 😀" in text
    assert "\\u" not in text
    assert ": " not in text
    assert None not in json.loads(text).values()


# The secret


@pytest.mark.parametrize(
    "secret",
    [
        "ü" * 16,
        "0" * 64,
        "ab" * 32,
        " " + SECRET + " ",
        "cafe\u0301" * 8,
    ],
)
def test_the_exact_bytes_of_the_secret(ada: User, configure: Configure, secret: str) -> None:
    configure(JWT_SHARED_SECRET=secret)
    assert jwt.decode(issue_token(ada), secret.encode("utf-8"), algorithms=["HS256"])


def test_a_callable_secret_is_asked_each_time(ada: User, configure: Configure) -> None:
    secrets = ["first-" * 8, "second-" * 8]
    left = list(secrets)
    configure(JWT_SHARED_SECRET=lambda: left.pop(0))
    for secret in secrets:
        assert jwt.decode(issue_token(ada), secret, algorithms=["HS256"])
    assert left == []


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI\n-----END PUBLIC KEY-----\n",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE7x",
    ],
)
def test_a_key_is_no_secret(configure: Configure, secret: str) -> None:
    configure(JWT_SHARED_SECRET=secret)
    with pytest.raises(ImproperlyConfigured, match="JWT_SHARED_SECRET") as caught:
        sign({"email": "ada@example.com"})
    assert secret not in str(caught.value)
    assert caught.value.__context__ is None


def test_nothing_is_signed_with_a_bad_setting(
    ada: User, configure: Configure, settings: Settings
) -> None:
    for bad in (
        {"JWT_SHARED_SECRET": "short"},
        {"JWT_SHARED_SECRET": settings.SECRET_KEY},
        {"JWT_SECRET": SECRET},
    ):
        configure(**bad)
        with pytest.raises(ImproperlyConfigured):
            issue_token(ada)


# The grant


def test_a_grant_tells_nobody_until_it_is_announced(
    ada: User, rf: RequestFactory, issued: list[dict[str, Any]], refused: list[dict[str, Any]]
) -> None:
    request = rf.get("/")
    grant = grant_for(ada, request)
    assert (grant.user, grant.request, grant.impersonator) == (ada, request, None)
    assert decode(grant.token) == grant.payload
    assert grant.payload == {
        **grant.claims,
        "iat": grant.payload["iat"],
        "exp": grant.payload["iat"] + 600,
    }
    assert "iat" not in grant.claims
    assert issued == []
    grant.announce()
    assert [call["claims"] for call in issued] == [grant.payload]
    with pytest.raises(AccessRefused, match="no-email"):
        grant_for(User(pk=ada.pk))
    assert refused == []


def test_a_grant_is_signed_once_with_the_time_of_its_first_use(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = grant_for(ada)
    later = time.time() - 500
    monkeypatch.setattr(time, "time", lambda: later)
    token = grant.token
    monkeypatch.undo()
    assert decode(token)["iat"] == int(later)
    assert grant.token is token
    assert dataclasses.replace(grant).payload["iat"] > later + 400


def test_a_grant_shows_neither_token_nor_claims_and_stays_as_it_is(ada: User) -> None:
    grant: Any = grant_for(ada, None, lambda user, request: {"email": "eve@example.com"})
    assert decode(grant.token)["email"] == "eve@example.com"
    for shown in (repr(grant), pprint.pformat(grant), f"{grant}"):
        assert grant.token not in shown
        assert "eve@" not in shown
    with pytest.raises(dataclasses.FrozenInstanceError):
        grant.claims = {}


# Signals


@pytest.fixture
def issued() -> Any:
    recorder = Recorder()
    token_issued.connect(recorder)
    yield recorder.calls
    token_issued.disconnect(recorder)


@pytest.fixture
def refused() -> Any:
    recorder = Recorder()
    token_refused.connect(recorder)
    yield recorder.calls
    token_refused.disconnect(recorder)


def test_issued(
    ada: User,
    signed_in: Client,
    issued: list[dict[str, Any]],
    refused: list[dict[str, Any]],
    rf: RequestFactory,
) -> None:
    request = rf.get("/")
    token = issue_token(ada, request)
    signed_in.get(FETCH)
    own, of_view = issued
    assert set(own) == {"signal", "sender", "user", "request", "claims", "impersonator"}
    assert (own["sender"], own["user"], own["request"]) == (User, ada, request)
    assert own["claims"] == decode(token)
    assert own["impersonator"] is None
    assert (of_view["sender"], of_view["user"]) == (User, ada)
    assert of_view["request"].path == "/sso/metabase"
    assert of_view["claims"]["email"] == "ada@example.com"
    assert token not in repr(issued)
    assert refused == []


def test_refused(
    signed_in: Client,
    ada: User,
    issued: list[dict[str, Any]],
    refused: list[dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    User.objects.update(email="")
    ada.refresh_from_db()
    assert signed_in.get(FETCH).status_code == 403
    with pytest.raises(AccessRefused):
        issue_token(ada)
    assert issued == []
    assert [(call["sender"], call["user"], call["code"]) for call in refused] == [
        (User, ada, "no-email"),
        (User, ada, "no-email"),
    ]
    assert refused[0]["request"].path == "/sso/metabase"
    assert refused[1]["request"] is None
    ours = [record for record in caplog.records if record.name == "django_metabase_sso"]
    assert [(r.levelno, r.__dict__["code"], r.__dict__["user_id"]) for r in ours] == [
        (logging.WARNING, "no-email", ada.pk)
    ] * 2


def test_issue_token_hands_the_request_on(
    ada: User, configure: Configure, rf: RequestFactory, refused: list[dict[str, Any]]
) -> None:
    request: Any = rf.get("/")
    seen: list[tuple[object, object]] = []

    def policy(user: object, request: object) -> bool:
        seen.append((user, request))
        return True

    def attributes(user: object, request: object) -> dict[str, str]:
        seen.append((user, request))
        return {}

    configure(ACCESS_POLICY=policy, USER_ATTRIBUTES=attributes)
    issue_token(ada, request)
    assert seen == [(ada, request)] * 2
    request.impersonator = User(pk=7)
    with pytest.raises(AccessRefused, match="impersonated"):
        issue_token(ada, request)
    assert [call["request"] for call in refused] == [request]


def test_issue_token_says_who_acts(
    ada: User, configure: Configure, rf: RequestFactory, issued: list[dict[str, Any]]
) -> None:
    request: Any = rf.get("/")
    request.impersonator = User(pk=7)
    configure(ALLOW_IMPERSONATION=True)
    issue_token(ada, request)
    assert [call["impersonator"] for call in issued] == [request.impersonator]


def test_issue_token_for_nobody(refused: list[dict[str, Any]]) -> None:
    with pytest.raises(AccessRefused, match="not-authenticated"):
        issue_token(AnonymousUser())  # type: ignore[arg-type]
    assert refused[0]["sender"] is AnonymousUser


def test_head_issues_nothing(signed_in: Client, issued: list[dict[str, Any]]) -> None:
    assert signed_in.head(FETCH).status_code == 200
    assert signed_in.head("/sso/metabase", headers={"Accept": "text/html"}).status_code == 302
    assert issued == []


def test_a_redirect_that_is_too_large_issues_nothing(
    signed_in: Client, configure: Configure, issued: list[dict[str, Any]]
) -> None:
    configure(GROUP_MAPPING=lambda user, request: [f"Group number {n:05}" for n in range(220)])
    for method in (signed_in.get, signed_in.head):
        assert method("/sso/metabase", headers={"Accept": "text/html"}).status_code == 403
    assert issued == []


def test_a_receiver_that_raises_stops_the_answer(signed_in: Client, ada: User) -> None:
    def audit(**kwargs: Any) -> None:
        raise RuntimeError("the audit log is full")

    token_issued.connect(audit)
    try:
        with pytest.raises(RuntimeError, match="the audit log is full"):
            signed_in.get(FETCH)
        with pytest.raises(RuntimeError):
            issue_token(ada)
    finally:
        token_issued.disconnect(audit)


def test_a_receiver_of_refusals_that_raises_stops_nothing(
    signed_in: Client, configure: Configure
) -> None:
    def receiver(**kwargs: Any) -> None:
        raise RuntimeError("broken")

    configure(ACCESS_POLICY=lambda user, request: False)
    token_refused.connect(receiver)
    try:
        assert signed_in.get(FETCH).json()["code"] == "policy"
    finally:
        token_refused.disconnect(receiver)
