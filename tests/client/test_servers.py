"""The client with a real Redis, Memcached and PostgreSQL, and what happens when they fail."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import connections, transaction
from django.db.utils import ProgrammingError
from django.test import Client
from pytest_django import Settings

from django_metabase_sso.client import MetabaseClient, MetabaseUnavailable
from tests.helpers.configure import Configure
from tests.helpers.redaction import assert_clean
from tests.helpers.twins import ME, Serve, Sync, Transport
from tests.servers import MEMCACHED, REDIS
from tests.servers.faulty import BAD_GATEWAY, SESSION, SIGNED_IN
from tests.servers.standin import Metabase

Logged = Callable[[], str]


def use(settings: Settings, backend: str, location: str) -> None:
    """Let this be the cache of the project, in which no other process has these users."""
    cache = {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": location}
    settings.CACHES = {"default": {**cache, "KEY_PREFIX": str(os.getpid())}}


@pytest.fixture(scope="module")
def small_redis() -> Iterator[str]:
    """The URL of a Redis that these tests may fill."""
    with REDIS.running("--maxmemory-policy", "noeviction") as url:
        yield url


@pytest.fixture
def full(small_redis: str, settings: Settings) -> Iterator[Callable[[], None]]:
    """Return a function that makes the project's Redis refuse writes: it is out of memory."""
    use(settings, "redis.RedisCache", small_redis)
    with redis.Redis.from_url(small_redis) as server:
        yield lambda: server.config_set("maxmemory", "1") and None
        server.config_set("maxmemory", "0")
        server.flushall()
    caches["default"].close()


@pytest.mark.parametrize("name", ["redis", "memcached"])
def test_a_session_is_kept(
    request: pytest.FixtureRequest,
    twin: Sync,
    metabase: Metabase,
    ada: User,
    settings: Settings,
    name: str,
) -> None:
    if name == "redis":
        use(settings, "redis.RedisCache", request.getfixturevalue("redis_url"))
    else:
        use(
            settings,
            "memcached.PyMemcacheCache",
            request.getfixturevalue("memcached_address"),
        )
    try:
        for _ in range(2):
            assert twin.call(ada, ME).json()["email"] == "ada@example.com"
        assert len(metabase.sign_ins()) == 1
        twin.logout(ada)
        assert metabase.state()["sessions"] == 0
        twin.call(ada, ME)
        assert len(metabase.sign_ins()) == 2
    finally:
        twin.logout(ada)
        caches["default"].close()


# A Redis that refuses writes


def test_a_call_needs_no_new_entry(
    twin: Sync, metabase: Metabase, ada: User, full: Callable[[], None]
) -> None:
    twin.call(ada, ME)
    full()
    assert twin.call(ada, ME).status_code == 200
    assert len(metabase.sign_ins()) == 1


def test_a_session_that_cannot_be_kept(
    twin: Sync, metabase: Metabase, ada: User, full: Callable[[], None], everything_logged: Logged
) -> None:
    full()
    with pytest.raises(redis.exceptions.ResponseError):
        caches["default"].set("a", "b")
    for _ in range(2):
        assert twin.call(ada, ME).json()["email"] == "ada@example.com"
    assert len(metabase.sign_ins()) == 2
    assert "The cache 'default' failed (OutOfMemoryError)" in everything_logged()


def test_other_claims(
    twin: Sync, metabase: Metabase, ada: User, configure: Configure, full: Callable[[], None]
) -> None:
    """The account has the new claims from now on, and no old session comes back."""
    twin.call(ada, ME)
    full()
    configure(USER_ATTRIBUTES=lambda user, request: {"region": "north"})
    twin.call(ada, ME)
    configure(USER_ATTRIBUTES=None)
    twin.call(ada, ME)
    assert len(metabase.sign_ins()) == 3


def test_a_session_that_metabase_forgot(
    twin: Sync, metabase: Metabase, ada: User, full: Callable[[], None]
) -> None:
    """The entry can't be replaced, and must not be used again."""
    twin.call(ada, ME)
    full()
    metabase.reset()
    assert twin.call(ada, ME).status_code == 200


def test_no_session_in_what_is_raised_later(
    twin: Sync, serve: Serve, ada: User, full: Callable[[], None], everything_logged: Logged
) -> None:
    full()
    serve(SIGNED_IN, BAD_GATEWAY)
    with pytest.raises(MetabaseUnavailable) as caught:
        twin.call(ada, ME)
    error = caught.value
    assert error.__context__ is error.__cause__ is None
    assert error.__traceback__
    error.__traceback__ = error.__traceback__.tb_next
    frames = traceback.TracebackException.from_exception(error, capture_locals=True)
    for text in ("".join(frames.format()), everything_logged()):
        assert_clean(text, SESSION)


# Servers that are gone


@pytest.mark.parametrize(
    ("server", "backend"),
    [(REDIS, "redis.RedisCache"), (MEMCACHED, "memcached.PyMemcacheCache")],
    ids=["redis", "memcached"],
)
def test_a_server_that_is_gone(
    ada: User, signed_in: Client, settings: Settings, caplog: Any, server: Any, backend: str
) -> None:
    with server.running() as url:
        use(settings, backend, url.removeprefix("memcached://"))
        transport = Transport()
        with MetabaseClient(ada, transport=transport) as client:
            client.get(ME)
            client.get(ME)
            assert len(transport.requests) == 3
            caches["default"].close()
    with MetabaseClient(ada, transport=transport) as client:
        client.get(ME)
    assert len(transport.requests) == 5
    signed_in.logout()
    assert not Session.objects.exists()
    assert "cache-failed" in {record.__dict__.get("code") for record in caplog.records}
    caches["default"].close()


# PostgreSQL, where a statement that fails ends the transaction around it


class Router:
    """Everything is in the database on the server."""

    def db_for_read(self, model: object, **hints: object) -> str:
        return "postgresql"

    db_for_write = db_for_read


@pytest.fixture
def ada_on_postgresql(
    postgresql: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> User:
    """Ada in a project whose cache is in the database, and whose cache table nobody made."""
    use(settings, "db.DatabaseCache", "no_such_table")
    settings.DATABASE_ROUTERS = [Router()]
    settings.ROOT_URLCONF = "tests.client.urls"
    monkeypatch.setitem(connections.settings[postgresql], "ATOMIC_REQUESTS", True)
    return User.objects.create_user("ada", "ada@example.com")


@pytest.fixture
def browser(ada_on_postgresql: User) -> Client:
    client = Client()
    client.force_login(ada_on_postgresql)
    return client


def test_the_cache_has_no_table(browser: Client, ada_on_postgresql: User) -> None:
    with (
        pytest.raises(ProgrammingError, match="no_such_table"),
        transaction.atomic(using="postgresql"),
    ):
        caches["default"].get("a")


def test_signing_out(browser: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert browser.post("/logout/").status_code == 302
    assert not Session.objects.exists()
    [record] = [each for each in caplog.records if each.name == "django_metabase_sso"]
    assert record.__dict__["code"] == "session-not-dropped"
    assert record.getMessage().endswith("ProgrammingError")


def test_a_call_within_a_view(browser: Client) -> None:
    assert browser.get("/report/").content == b"None 1"
