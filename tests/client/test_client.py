"""Calls to the stand-in Metabase as a user."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.cache import cache
from django.db import connection
from django.test import Client, RequestFactory
from pytest_django import Settings

from django_metabase_sso import session_cache
from django_metabase_sso.client import (
    AsyncMetabaseClient,
    MetabaseClient,
    MetabaseRefused,
    MetabaseUnavailable,
    agent_headers,
    pending,
)
from django_metabase_sso.client.identity import identify
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.signals import token_issued, token_refused
from tests.client.conftest import Ask, email_of
from tests.conftest import Configure, decode
from tests.doctor.conftest import Metabase
from tests.settings import SECRET
from tests.test_redacted import JWT

ME = "/api/user/current"


def sign_ins(metabase: Metabase) -> int:
    return len(metabase.state()["sign_ins"])


def test_a_call_as_a_user(ada: User, metabase: Metabase, ask: Ask) -> None:
    assert email_of(ask(ada, "get", ME)) == "ada@example.com"
    assert email_of(ask(ada, "get", ME)) == "ada@example.com"
    [signed_in] = metabase.state()["sign_ins"]
    assert signed_in["how"] == "to_session"


def test_the_other_methods(ada: User, metabase: Metabase, ask: Ask) -> None:
    made = ask(ada, "post", "/api/dashboard", json={"name": "Mine"})
    assert made.json()["name"] == "Mine"
    for method in ("put", "delete"):
        with pytest.raises(MetabaseRefused, match="answered 404: API endpoint does not exist"):
            ask(ada, method, "/api/nothing")


def test_parameters_and_headers(ada: User, metabase: Metabase, ask: Ask) -> None:
    headers = {"X-Metabase-Locale": "de"}
    answer = ask(ada, "get", ME, params={"a": "ö"}, headers=headers)
    assert answer.request.url.query == b"a=%C3%B6"
    assert answer.request.headers["X-Metabase-Locale"] == "de"


@pytest.mark.parametrize("name", ["x-metabase-session", "Cookie", "Authorization", "HOST"])
def test_headers_that_are_the_clients(ada: User, metabase: Metabase, ask: Ask, name: str) -> None:
    with pytest.raises(ValueError, match=f"The header {name} is set by the client"):
        ask(ada, "get", ME, headers={name: "x"})


@pytest.mark.parametrize(
    "path",
    [
        "api/dashboard",
        "//evil.example/api",
        "https://evil.example/api",
        "/\\evil.example",
        "/api/%5Cx",
        "/api/../auth/logout",
        "/api/%2e%2e/x",
        "/api/./x",
        "/api\n",
        "/api/%0a",
        "/apï",
        "/api#x",
        "/api/%23",
        "",
    ],
)
def test_paths_lead_to_metabase_alone(ada: User, metabase: Metabase, ask: Ask, path: str) -> None:
    with pytest.raises(ValueError, match="is no path on Metabase: write it like /api/dashboard"):
        ask(ada, "get", path)
    assert sign_ins(metabase) == 0


def test_a_changed_user_never_gets_an_old_session(
    ada: User, metabase: Metabase, ask: Ask, configure: Configure
) -> None:
    configure(GROUP_MAPPING="django_metabase_sso.claims.django_groups")
    group = Group.objects.create(name="Sales")
    ada.groups.add(group)
    stale = User.objects.get(pk=ada.pk)
    ask(stale, "get", ME)
    ada.groups.remove(group)
    ask(stale, "get", ME)
    assert metabase.state()["sign_ins"][-1]["left"] == ["Sales"]
    User.objects.filter(pk=ada.pk).update(email="lovelace@example.com")
    assert email_of(ask(stale, "get", ME)) == "lovelace@example.com"
    User.objects.filter(pk=ada.pk).update(is_active=False)
    with pytest.raises(AccessRefused, match="inactive"):
        ask(stale, "get", ME)
    ada.delete()
    with pytest.raises(AccessRefused, match="Your account is gone"):
        ask(stale, "get", ME)
    assert sign_ins(metabase) == 3


def test_nobody(metabase: Metabase, ask: Ask, db: None) -> None:
    with pytest.raises(AccessRefused, match="not-authenticated"):
        ask(AnonymousUser(), "get", ME)


def test_signals(ada: User, metabase: Metabase, ask: Ask) -> None:
    sent: list[Any] = []

    def note(signal: Any, **kwargs: Any) -> None:
        sent.append(kwargs.get("code") or kwargs["claims"]["email"])

    token_issued.connect(note)
    token_refused.connect(note)
    for _ in range(2):
        ask(ada, "get", ME)
    User.objects.update(is_active=False)
    with pytest.raises(AccessRefused):
        ask(ada, "get", ME)
    token_issued.disconnect(note)
    token_refused.disconnect(note)
    assert sent == ["ada@example.com", "inactive"]


def test_an_audit_that_fails_stops_the_sign_in(ada: User, metabase: Metabase, ask: Ask) -> None:
    def fail(**kwargs: object) -> None:
        raise RuntimeError("The audit is gone")

    token_issued.connect(fail)
    with pytest.raises(RuntimeError):
        ask(ada, "get", ME)
    token_issued.disconnect(fail)
    assert sign_ins(metabase) == 0
    ask(ada, "get", ME)


def test_a_forgotten_session_is_made_anew(ada: User, metabase: Metabase, ask: Ask) -> None:
    ask(ada, "get", ME)
    metabase.reset()
    assert email_of(ask(ada, "get", ME)) == "ada@example.com"
    assert sign_ins(metabase) == 1  # the reset forgot the first one


def test_a_second_401_is_an_answer(ada: User, metabase: Metabase, ask: Ask) -> None:
    ask(ada, "get", ME)
    metabase.reset()
    metabase.change(sso_enabled=False)
    with pytest.raises(MetabaseRefused) as caught:
        ask(ada, "get", ME)
    assert caught.value.text == "SSO has not been enabled and/or configured"
    assert "Switch it on" in str(caught.value)


def test_another_secret(ada: User, metabase: Metabase, ask: Ask, configure: Configure) -> None:
    configure(JWT_SHARED_SECRET=SECRET[::-1])
    with pytest.raises(MetabaseRefused) as caught:
        ask(ada, "get", ME)
    assert caught.value.status == 401
    assert "Metabase has another secret" in caught.value.cause
    assert "JWT_SHARED_SECRET" in caught.value.cure
    configure(JWT_SHARED_SECRET=SECRET)
    ask(ada, "get", ME)


def test_signing_out_of_django_drops_the_session(
    ada: User, metabase: Metabase, ask: Ask, client: Client
) -> None:
    client.force_login(ada)
    ask(ada, "get", ME)
    client.logout()
    ask(ada, "get", ME)
    assert sign_ins(metabase) == 2


def test_a_sign_out_without_a_user_or_a_cache(
    ada: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    session_cache.forget_signed_out(sender=None)
    settings.CACHES = {"default": {"BACKEND": "tests.client.test_client.Gone"}}
    client = Client()
    client.force_login(ada)
    client.logout()
    assert "was not dropped from the cache: ConnectionError" in caplog.text
    assert caplog.records[-1].user_id == ada.pk  # type: ignore[attr-defined]


class Gone:
    """A cache back end that is not there."""

    def __init__(self, *args: object) -> None:
        pass

    def delete(self, key: str) -> None:
        raise ConnectionError("secret address")

    def close(self) -> None:
        """Django closes its caches after each request."""


def test_logout_ends_the_session_in_metabase(ada: User, metabase: Metabase, ask: Ask) -> None:
    ask(ada, "logout")
    assert sign_ins(metabase) == 0
    ask(ada, "get", ME)
    assert metabase.state()["sessions"] == 1
    ask(ada, "logout")
    assert metabase.state()["sessions"] == 0
    ask(ada, "get", ME)
    assert sign_ins(metabase) == 2


def test_logout_of_a_session_that_metabase_forgot(ada: User, metabase: Metabase, ask: Ask) -> None:
    ask(ada, "get", ME)
    metabase.reset()
    ask(ada, "logout")


def test_no_jwt_is_kept(ada: User, metabase: Metabase, settings: Settings) -> None:
    with MetabaseClient(ada) as client:
        client.get(ME)
    key = identify(ada).key
    assert "ada" not in key
    session = cache.get(key)
    assert session
    assert not JWT.search(session)
    assert type(session) is str
    assert repr(session_cache.read(key)) == "<Token>"


def test_without_a_cache_each_call_signs_in(
    ada: User, metabase: Metabase, settings: Settings, ask: Ask
) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    for _ in range(2):
        ask(ada, "get", ME)
    assert sign_ins(metabase) == 2


def test_the_request_is_handed_to_the_rules(
    ada: User, metabase: Metabase, configure: Configure
) -> None:
    request = RequestFactory().get("/")
    seen = []

    def policy(user: object, asked: object) -> bool:
        seen.append(asked)
        return True

    configure(ACCESS_POLICY=policy)
    with MetabaseClient(ada, request) as client:
        client.get(ME)
    assert seen == [request]


def test_agent_headers(ada: User) -> None:
    headers = agent_headers(ada)
    kind, _, token = headers["Authorization"].partition(" ")
    assert kind == "Bearer"
    claims = decode(token)
    assert claims["email"] == "ada@example.com"
    assert time.time() - claims["iat"] < 180
    assert not JWT.search(repr(headers))


@pytest.mark.django_db(transaction=True)
def test_fifty_threads_sign_in_once(metabase: Metabase) -> None:
    user = User.objects.create_user("ada", "ada@example.com")
    start = threading.Barrier(50)

    def call(number: int) -> Any:
        try:
            with MetabaseClient(user) as client:
                start.wait(30)
                return email_of(client.get(ME))
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(call, range(50))) == {"ada@example.com"}
    assert sign_ins(metabase) == 1


@pytest.mark.django_db(transaction=True)
def test_fifty_tasks_sign_in_once(metabase: Metabase) -> None:
    user = User.objects.create_user("ada", "ada@example.com")

    async def call() -> Any:
        async with AsyncMetabaseClient(user) as client:
            return email_of(await client.get(ME))

    async def together() -> list[Any]:
        return await asyncio.gather(*(call() for _ in range(50)))

    assert set(async_to_sync(together)()) == {"ada@example.com"}
    assert sign_ins(metabase) == 1


@pytest.mark.django_db(transaction=True)
def test_those_who_wait_hear_of_the_refusal(metabase: Metabase) -> None:
    user = User.objects.create_user("ada", "ada@example.com")
    metabase.change(sso_enabled=False)
    start = threading.Barrier(10)

    def call(number: int) -> str:
        try:
            with MetabaseClient(user) as client:
                start.wait(30)
                client.get(ME)
        except MetabaseRefused as refused:
            return refused.text
        finally:
            connection.close()
        raise AssertionError

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(call, range(10))) == {"SSO has not been enabled and/or configured"}


def test_another_process_signs_in(ada: User, metabase: Metabase, ask: Ask) -> None:
    """Its claim is in the cache; a moment later its session is, too."""
    key = identify(ada).key
    assert session_cache.claim_sign_in(key)
    with MetabaseClient(ada) as client:
        session = client._exchange(identify(ada))
    cache.delete(key)
    later = threading.Timer(0.2, lambda: session_cache.write(key, session))
    later.start()
    assert email_of(ask(ada, "get", ME)) == "ada@example.com"
    later.join()
    assert sign_ins(metabase) == 1


def test_a_newer_session_is_not_dropped(db: None) -> None:
    session_cache.write("key", "newer")
    session_cache.drop("key", "older")
    assert session_cache.read("key") == "newer"


def test_another_process_was_faster(ada: User) -> None:
    session_cache.write("key", "session")
    assert pending.turn("key") == "session"
    assert session_cache.claim_sign_in("key")


def test_another_process_dies(
    ada: User, metabase: Metabase, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_cache, "SIGN_IN_PATIENCE", 0.2)
    cache.add(f"{identify(ada).key}:sign-in", 1, 60)
    ask(ada, "get", ME)
    assert sign_ins(metabase) == 1


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (MetabaseRefused(401, "No"), MetabaseRefused),
        (RuntimeError("secret"), MetabaseUnavailable),
        (KeyboardInterrupt(), MetabaseUnavailable),
    ],
)
def test_what_those_who_wait_are_told(
    ada: User, metabase: Metabase, ask: Ask, failure: BaseException, expected: type[Exception]
) -> None:
    key = identify(ada).key
    own, is_mine = pending.join(key)
    assert is_mine
    threading.Timer(0.2, pending.finish, (key, own, failure)).start()
    with pytest.raises(expected) as caught:
        ask(ada, "get", ME)
    assert caught.value is not failure
    assert "secret" not in str(caught.value)


def test_those_who_wait_get_the_session(ada: User, metabase: Metabase, ask: Ask) -> None:
    identity = identify(ada)
    own, _ = pending.join(identity.key)
    with MetabaseClient(ada) as client:
        session = client._exchange(identity)
    cache.delete(identity.key)
    threading.Timer(0.2, pending.finish, (identity.key, own, session)).start()
    assert email_of(ask(ada, "get", ME)) == "ada@example.com"
    assert sign_ins(metabase) == 1


def test_a_task_that_stops_waiting_stops_nobody_else(ada: User, metabase: Metabase) -> None:
    identity = identify(ada)
    own, _ = pending.join(identity.key)

    async def wait() -> None:
        async with AsyncMetabaseClient(ada) as client:
            await asyncio.wait_for(client._sign_in(identity), 0.1)

    with pytest.raises(asyncio.TimeoutError):
        async_to_sync(wait)()
    with MetabaseClient(ada) as client:
        session = client._exchange(identity)
    pending.finish(identity.key, own, session)
    assert own.result() == session
