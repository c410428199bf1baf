"""Both clients, against the stand-in: who is signed in, how often, and until when."""

from __future__ import annotations

import asyncio
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.cache import caches
from django.core.management import call_command
from django.db import connections, transaction
from django.http import HttpRequest
from django.test import Client
from pytest_django import Settings

from django_metabase_sso.client import (
    AsyncMetabaseClient,
    MetabaseClient,
    MetabaseRefused,
    MetabaseUnavailable,
    agent_headers,
    clients,
)
from django_metabase_sso.client.clients import close_shared, shared_http
from django_metabase_sso.exceptions import AccessRefused, InvalidClaim
from django_metabase_sso.signals import token_issued, token_refused
from django_metabase_sso.tokens import issue_token
from tests.helpers.configure import Configure
from tests.helpers.signals import receiving
from tests.helpers.twins import ME, Sync, Transport, entries
from tests.servers.faulty import BAD_GATEWAY, HANG, LIST, SESSION, SIGNED_IN, answer
from tests.servers.standin import Metabase


def test_a_call_as_the_user(twin: Sync, metabase: Metabase, ada: User) -> None:
    response = twin.call(ada, ME)
    assert response.json()["email"] == "ada@example.com"
    assert twin.call(ada, "/api/dashboard").json() == []
    assert twin.call(ada, "/api/dashboard", "post", json={"name": "Sales"}).json()["id"] == 1
    assert metabase.sign_ins() == ["ada@example.com"]
    assert "X-Metabase-Session" not in response.request.headers


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_a_method_for_each_of_https(method: str, ada: User) -> None:
    transport = Transport()
    with MetabaseClient(ada, transport=transport) as client:
        assert getattr(client, method)("/api/card/1").status_code == 200
    assert [request.method for request in transport.requests] == ["POST", method.upper()]


def test_each_user_has_a_session(twin: Sync, metabase: Metabase, ada: User) -> None:
    bob = User.objects.create_user("bob", "bob@example.com")
    for user in (ada, bob, ada, bob):
        assert twin.call(user, ME).json()["email"] == user.email.lower()
    assert metabase.sign_ins() == ["ada@example.com", "bob@example.com"]


def test_the_twins_share_the_session(metabase: Metabase, ada: User, twin: Sync) -> None:
    Sync().call(ada, ME)
    twin.call(ada, ME)
    assert len(metabase.sign_ins()) == 1


def test_signals(twin: Sync, metabase: Metabase, ada: User, configure: Configure) -> None:
    seen: list[str] = []

    def note(**kwargs: Any) -> None:
        seen.append(kwargs.get("code", "issued"))

    with receiving(note, token_issued, token_refused):
        twin.call(ada, ME)
        twin.call(ada, ME)
        configure(ACCESS_POLICY=lambda user, request: False)
        with pytest.raises(AccessRefused, match="policy"):
            twin.call(ada, ME)
    assert seen == ["issued", "policy"]


# Before each use


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"is_active": False}, "inactive"),
        ({"email": ""}, "no-email"),
    ],
)
def test_who_is_refused_gets_no_old_session(
    twin: Sync, metabase: Metabase, ada: User, change: dict[str, Any], code: str
) -> None:
    twin.call(ada, ME)
    User.objects.update(**change)  # and the object at hand does not know
    with pytest.raises(AccessRefused, match=code):
        twin.call(ada, ME)


def test_a_deleted_user(twin: Sync, metabase: Metabase, ada: User) -> None:
    twin.call(ada, ME)
    User.objects.all().delete()
    with pytest.raises(AccessRefused, match="inactive"):
        twin.call(ada, ME)


def test_a_changed_address_is_another_session(twin: Sync, metabase: Metabase, ada: User) -> None:
    twin.call(ada, ME)
    User.objects.update(email="ada@example.org")
    assert twin.call(ada, ME).json()["email"] == "ada@example.org"


def test_a_lost_group_is_another_session(
    twin: Sync, metabase: Metabase, ada: User, configure: Configure
) -> None:
    configure(GROUP_MAPPING={"sales": "Sales"})
    ada.groups.add(Group.objects.create(name="sales"))
    twin.call(ada, ME)
    assert "Sales" in metabase.state()["accounts"][1]["groups"]
    ada.groups.clear()
    twin.call(ada, ME)
    assert metabase.state()["accounts"][1]["groups"] == ["All Users"]
    assert len(metabase.sign_ins()) == 2


def test_another_instance_is_another_session(
    twin: Sync, metabase: Metabase, ada: User, configure: Configure
) -> None:
    twin.call(ada, ME)
    configure(INSTANCE_URL=metabase.url.replace("localhost", "127.0.0.1"))
    twin.call(ada, ME)
    assert len(metabase.sign_ins()) == 2


def test_nobody(db: None, twin: Sync) -> None:
    for user in (AnonymousUser(), User(username="new", email="new@example.com")):
        with pytest.raises(AccessRefused):
            twin.call(user, ME)
        with pytest.raises(AccessRefused):
            twin.logout(user)


def test_the_request_is_for_the_callables(
    twin: Sync, metabase: Metabase, ada: User, configure: Configure, rf: Any
) -> None:
    def attributes(user: Any, request: HttpRequest) -> dict[str, str]:
        return {"path": request.path}

    configure(USER_ATTRIBUTES=attributes)
    answer = twin.call(ada, ME, request=rf.get("/report"))
    assert answer.json()["jwt_attributes"] == {"path": "/report"}


# When Metabase ends the session


def test_metabase_forgets_the_session(twin: Sync, metabase: Metabase, ada: User) -> None:
    twin.call(ada, ME)
    metabase.reset()
    answer = twin.call(ada, "/api/dashboard", "POST", json={"name": "Sales"})
    assert answer.json()["name"] == "Sales"
    assert len(metabase.sign_ins()) == 1


def test_one_new_session_and_no_more(twin: Sync, serve: Any, ada: User) -> None:
    unauthenticated = answer("Unauthenticated", "401 Unauthorized", "text/plain")
    server = serve(SIGNED_IN, unauthenticated, SIGNED_IN, unauthenticated)
    with pytest.raises(MetabaseRefused) as caught:
        twin.call(ada, ME)
    assert (caught.value.status, caught.value.text) == (401, "Unauthenticated")
    assert server.calls() == ["POST /auth/sso/to_session", f"GET {ME}"] * 2


# When the user logs out


def test_logout(twin: Sync, metabase: Metabase, ada: User) -> None:
    twin.call(ada, ME)
    assert metabase.state()["sessions"] == 1
    twin.logout(ada)
    assert metabase.state()["sessions"] == 0
    twin.logout(ada)  # nothing is left to end
    twin.call(ada, ME)
    assert len(metabase.sign_ins()) == 2


def test_logout_after_metabase_forgot(twin: Sync, metabase: Metabase, ada: User) -> None:
    twin.call(ada, ME)
    metabase.reset()
    twin.logout(ada)
    assert metabase.sign_ins() == []


def test_logout_of_someone_who_is_refused(
    twin: Sync, metabase: Metabase, ada: User, configure: Configure
) -> None:
    twin.call(ada, ME)
    configure(ACCESS_POLICY=lambda user, request: False)
    with pytest.raises(AccessRefused):
        twin.logout(ada)
    configure(ACCESS_POLICY=None)
    twin.call(ada, ME)
    assert len(metabase.sign_ins()) == 2


def test_django_logout_drops_the_session(
    twin: Sync, metabase: Metabase, ada: User, signed_in: Client
) -> None:
    twin.call(ada, ME)
    signed_in.logout()
    twin.call(ada, ME)
    assert len(metabase.sign_ins()) == 2


# Caches


@pytest.mark.parametrize("name", ["file", "database", "dummy"])
def test_any_cache(
    twin: Sync, metabase: Metabase, ada: User, settings: Settings, tmp_path: Any, name: str
) -> None:
    back_ends = {
        "file": {"LOCATION": str(tmp_path), "BACKEND": "filebased.FileBasedCache"},
        "database": {"LOCATION": "caches", "BACKEND": "db.DatabaseCache"},
        "dummy": {"BACKEND": "dummy.DummyCache"},
    }
    path = f"django.core.cache.backends.{back_ends[name]['BACKEND']}"
    settings.CACHES = {**settings.CACHES, "metabase": {**back_ends[name], "BACKEND": path}}
    if name == "database":
        call_command("createcachetable", verbosity=0)
    for _ in range(2):
        twin.call(ada, ME, cache="metabase")
    assert len(metabase.sign_ins()) == (2 if name == "dummy" else 1)
    assert entries() == {}
    caches["metabase"].clear()


# Outside of a block, and with a broken project


def test_outside_of_a_block(ada: User) -> None:
    with pytest.raises(RuntimeError, match="with MetabaseClient"):
        MetabaseClient(ada).get("/api/dashboard")
    with pytest.raises(RuntimeError, match="async with"):
        AsyncMetabaseClient(ada)._http  # noqa: B018


def test_a_claim_that_does_not_work(twin: Sync, ada: User, configure: Configure) -> None:
    configure(USER_ATTRIBUTES=lambda user, request: {"x": float("nan")})
    with pytest.raises(InvalidClaim):
        twin.call(ada, ME)


def test_a_receiver_that_raises_stops_the_sign_in(
    twin: Sync, metabase: Metabase, ada: User
) -> None:
    def audit(**kwargs: Any) -> None:
        raise RuntimeError("the audit log is full")

    with (
        receiving(audit, token_issued),
        pytest.raises(RuntimeError, match="the audit log is full"),
    ):
        twin.call(ada, ME)
    assert metabase.sign_ins() == []
    twin.call(ada, ME)


@pytest.fixture
def committed(transactional_db: None) -> User:
    """Ada, for other threads to see."""
    return User.objects.create_user("ada", "ada@example.com")


# In a transaction


def test_a_view_that_fails_after_the_call(twin: Sync, metabase: Metabase, committed: User) -> None:
    """What the receiver wrote is gone, and the session is not: docs/server-side.md says so."""

    def audit(**kwargs: Any) -> None:
        Group.objects.create(name="audit row")

    with receiving(audit, token_issued), transaction.atomic():
        Sync().call(committed, ME)
        assert Group.objects.exists()
        transaction.set_rollback(True)
    assert not Group.objects.exists()
    twin.call(committed, ME)
    assert metabase.sign_ins() == ["ada@example.com"]


# Many calls at once


def test_one_client_signs_in_once(twin: Sync, metabase: Metabase, committed: User) -> None:
    answers = twin.calls_at_once(committed, ME, 20)
    assert {getattr(answer, "status_code", answer) for answer in answers} == {200}
    assert metabase.sign_ins() == ["ada@example.com"]


def test_one_client_signs_in_once_again(twin: Sync, metabase: Metabase, committed: User) -> None:
    twin.call(committed, ME)
    metabase.reset()
    answers = twin.calls_at_once(committed, ME, 10)
    assert {getattr(answer, "status_code", answer) for answer in answers} == {200}
    assert metabase.sign_ins() == ["ada@example.com"]


def test_clients_of_their_own(metabase: Metabase, committed: User) -> None:
    """They may sign in several times, wait for nobody, and leave one session."""
    start = threading.Barrier(10)

    def ask(_: int) -> object:
        start.wait(10)
        try:
            return Sync().call(committed, ME).json()["email"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as threads:
        assert set(threads.map(ask, range(10))) == {"ada@example.com"}
    before = len(metabase.sign_ins())
    assert 1 <= before <= 10
    Sync().call(committed, ME)
    Sync().call(committed, ME)
    assert len(metabase.sign_ins()) <= before + 1


def test_a_failure_is_shared(twin: Sync, serve: Any, committed: User) -> None:
    """A Metabase that does not answer costs a page one time-out, not one for each call."""
    server = serve(HANG)
    raised = twin.calls_at_once(committed, ME, 5, timeout=1)
    assert {type(error) for error in raised} == {MetabaseUnavailable}
    assert len({str(error) for error in raised}) == 1
    assert len(set(map(id, raised))) == 5
    assert server.calls() == ["POST /auth/sso/to_session"]


def test_a_failure_is_not_remembered(serve: Any, ada: User) -> None:
    serve(BAD_GATEWAY, SIGNED_IN, LIST)
    with MetabaseClient(ada) as client:
        with pytest.raises(MetabaseUnavailable):
            client.get(ME)
        assert client.get(ME).json() == []


def test_a_wait_has_an_end(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait() -> None:
        async with AsyncMetabaseClient(ada, transport=Transport()) as client:
            await client._lock.acquire()
            await client.get(ME)

    monkeypatch.setattr(clients, "LONGEST_WAIT", 0.01)
    words = "another call of the same client has been signing in for 60 seconds"
    with MetabaseClient(ada, transport=Transport()) as client:
        client._lock.acquire()
        with pytest.raises(MetabaseUnavailable, match=words):
            client.get(ME)
    with pytest.raises(MetabaseUnavailable, match=words):
        async_to_sync(wait)()


class Slow(httpx.AsyncBaseTransport):
    """Answers each sign-in after it is told to."""

    def __init__(self) -> None:
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()
        self.calls: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request.url.path)
        self.asked.set()
        if request.method == "POST":
            await self.go_on.wait()
        return httpx.Response(200, json={"session_token": SESSION})


@pytest.mark.parametrize("cancelled", [0, 1])
def test_a_task_may_be_cancelled(ada: User, cancelled: int) -> None:
    """The one that signs in, and one that waits for it."""

    async def ask() -> list[str]:
        slow = Slow()
        async with AsyncMetabaseClient(ada, transport=slow) as client:
            first = asyncio.ensure_future(client.get(ME))
            await slow.asked.wait()
            second = asyncio.ensure_future(client.get(ME))
            while not client._lock._waiters:
                await asyncio.sleep(0.01)
            tasks = [first, second]
            tasks[cancelled].cancel()
            with pytest.raises(asyncio.CancelledError):
                await tasks[cancelled]
            slow.go_on.set()
            assert (await tasks[1 - cancelled]).status_code == 200
        return slow.calls

    sign_ins = ["/auth/sso/to_session"] * (2 - cancelled)
    assert async_to_sync(ask)() == [*sign_ins, ME]


# Code of the project that calls Metabase while a token is made


def test_a_receiver_that_uses_the_client(twin: Sync, metabase: Metabase, ada: User) -> None:
    """Its call would need a token, for which the receiver would be called, and so on."""

    def receiver(user: Any, **kwargs: Any) -> None:
        twin.call(user, ME)

    with receiving(receiver, token_issued), pytest.raises(RuntimeError, match="for the same user"):
        twin.call(ada, ME)
    assert metabase.sign_ins() == []
    with receiving(receiver, token_issued), pytest.raises(RuntimeError, match="for the same user"):
        issue_token(ada)
    with receiving(receiver, token_issued), pytest.raises(RuntimeError, match="for the same user"):
        agent_headers(ada)
    twin.call(ada, ME)
    with receiving(receiver, token_issued):
        issue_token(ada)  # with a session at hand the receiver's call needs no token
    assert metabase.sign_ins() == ["ada@example.com"]


def test_a_receiver_that_uses_the_same_client(ada: User) -> None:
    with MetabaseClient(ada, transport=Transport()) as client:

        def receiver(**kwargs: Any) -> None:
            client.get(ME)

        with receiving(receiver, token_issued), pytest.raises(RuntimeError, match="same user"):
            client.get(ME)
        assert client.get(ME).status_code == 200


def test_a_receiver_that_uses_the_client_for_another_user(
    twin: Sync, metabase: Metabase, ada: User
) -> None:
    robot = User.objects.create_user("robot", "robot@example.com")

    def receiver(user: Any, **kwargs: Any) -> None:
        if user != robot:
            twin.call(robot, ME)

    with receiving(receiver, token_issued):
        twin.call(ada, ME)
    assert metabase.sign_ins() == ["robot@example.com", "ada@example.com"]


@pytest.mark.parametrize("key", ["ACCESS_POLICY", "USER_ATTRIBUTES"])
def test_a_callable_that_uses_the_client(
    twin: Sync, ada: User, configure: Configure, key: str
) -> None:
    configure(**{key: lambda user, request: twin.call(user, ME)})
    with pytest.raises(RuntimeError, match=f"for user {ada.pk}"):
        twin.call(ada, ME)


def test_a_receiver_of_refusals(
    twin: Sync, ada: User, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    def receiver(user: Any, **kwargs: Any) -> None:
        twin.call(user, ME)

    configure(ACCESS_POLICY=lambda user, request: False)
    with receiving(receiver, token_refused), pytest.raises(AccessRefused, match="policy"):
        twin.call(ada, ME)
    [record] = [record for record in caplog.records if record.name == "django.dispatch"]
    assert record.exc_info
    assert "for the same user" in str(record.exc_info[1])


# Connections


def test_a_timeout_for_one_call(ada: User) -> None:
    transport = Transport()
    with MetabaseClient(ada, transport=transport) as client:
        client.get("/api/card")
        client.get("/api/card", timeout=2)
    seen = [request.extensions["timeout"] for request in transport.requests]
    assert [timeout["connect"] for timeout in seen] == [5, 5, 2]
    assert [timeout["read"] for timeout in seen] == [30, 30, 2]


def test_connections_are_shared(ada: User) -> None:
    with MetabaseClient(ada) as first, MetabaseClient(ada) as second:
        assert first._http is second._http
    assert not first._opened
    assert not shared_http().is_closed
    close_shared()
    close_shared()


def test_a_transport_stays_the_callers(ada: User) -> None:
    async def ask(transport: Transport) -> int:
        async with AsyncMetabaseClient(ada, transport=transport) as client:
            return (await client.get("/api/card")).status_code

    with MetabaseClient(ada, transport=Transport()) as client:
        assert client.get("/api/card").status_code == 200
    assert async_to_sync(ask)(Transport()) == 200


PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")


def test_no_proxy_of_the_environment(
    twin: Sync,
    metabase: Metabase,
    serve: Any,
    ada: User,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = serve(LIST)
    configure(INSTANCE_URL=metabase.url)
    for name in PROXIES:
        monkeypatch.setenv(name, proxy.url)
    assert twin.call(ada, ME).status_code == 200
    assert proxy.requests == []


def test_a_proxy_on_purpose(serve: Any, ada: User, configure: Configure) -> None:
    proxy = serve(SIGNED_IN, LIST)
    configure(INSTANCE_URL="http://metabase.example.com")
    transport = httpx.HTTPTransport(proxy=proxy.url)
    with transport, MetabaseClient(ada, transport=transport) as client:
        assert client.get("/api/dashboard").json() == []
    assert proxy.calls()[1] == "GET http://metabase.example.com/api/dashboard"


def test_no_password_of_a_file(
    twin: Sync, serve: Any, ada: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(SIGNED_IN, LIST)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    twin.call(ada, "/api/dashboard")
    assert not [request for request in server.requests if "Authorization" in request]


def test_english(twin: Sync, serve: Any, ada: User) -> None:
    server = serve(SIGNED_IN, LIST)
    twin.call(ada, "/api/dashboard")
    twin.call(ada, "/api/dashboard", headers={"X-Metabase-Locale": "de"})
    languages = [re.findall(r"Locale: (\w+)", request) for request in server.requests]
    assert languages == [["en"], ["en"], ["de"]]


class Failing(httpx.BaseTransport):
    """A transport of the project's own that raises an error of its own."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise LookupError(request.headers["X-Metabase-Session"])


def test_a_transport_that_raises_something_else(serve: Any, ada: User) -> None:
    serve(SIGNED_IN, LIST)
    Sync().call(ada, ME)
    with (
        MetabaseClient(ada, transport=Failing()) as client,
        pytest.raises(MetabaseUnavailable, match=r"the request failed \(LookupError\)") as caught,
    ):
        client.get(ME)
    assert caught.value.__context__ is None
