"""Callers get a documented response when something fails, and the next request works.

These tests read what to expect from the tables of docs/development/faults.md.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Event
from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import (
    BadRequest,
    ImproperlyConfigured,
    PermissionDenied,
    SuspiciousOperation,
)
from django.db.utils import OperationalError
from django.http import Http404, HttpRequest
from django.test import Client
from pytest_django import Settings

from django_metabase_sso.exceptions import AccessRefused, InvalidClaim
from django_metabase_sso.http.responses import SAFE_HEADERS
from django_metabase_sso.signals import token_issued, token_refused
from example_project.standin.tokens import TokenRefused, verify
from tests.helpers.configure import Configure
from tests.helpers.failing import LOCATION, gone_database
from tests.helpers.markdown import table
from tests.helpers.redaction import assert_clean
from tests.helpers.sso import FETCH, NAVIGATION, URL
from tests.helpers.tokens import token_of
from tests.settings import EMBEDDING_SECRET, SECRET

GUEST = "/sso/metabase/guest-token"
PATIENCE = 30  # seconds, for waits that should be over at once
STORES = "django.contrib.sessions.backends"
CACHES = {
    name: {"default": {"BACKEND": backend, "LOCATION": LOCATION}}
    for name, backend in {
        "there": "django.core.cache.backends.locmem.LocMemCache",
        "unwritable": "tests.helpers.failing.UnwritableCache",
        "gone": "tests.helpers.failing.GoneCache",
    }.items()
}


@pytest.fixture(autouse=True)
def _guest_embeds(configure: Configure) -> None:
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, GUEST_PARAMS=lambda *item: {"a": "b"})


@pytest.fixture(autouse=True)
def _log_without_a_token(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    formatter = logging.Formatter()
    for record in caplog.get_records("call"):
        assert_clean(formatter.format(record) + repr(record.__dict__))


@pytest.fixture
def issued() -> Iterator[list[Any]]:
    """Return the users for whom `token_issued` was sent."""
    users: list[Any] = []

    def receive(user: Any, **kwargs: Any) -> None:
        users.append(user)

    token_issued.connect(receive)
    yield users
    token_issued.disconnect(receive)


def outcome(response: Any) -> str:
    """Return what a caller got, in the words of docs/development/faults.md.

    Assert that the response has the safe headers and does not contain a secret.
    """
    for name, value in SAFE_HEADERS.items():
        if name != "Vary":
            assert response[name] == value
    if response.status_code == 500:
        assert_clean(response.text)
        return "500"
    if response.status_code == 302:
        return "a token" if "jwt=" in response["Location"] else "302 to the login page"
    if "jwt" in response.text:
        return "a token"
    code = response.json()["code"] if "json" in response["Content-Type"] else "page"
    return f"{response.status_code} `{code}`"


def ask(client: Client, headers: dict[str, str] | None = None) -> str:
    client.raise_request_exception = False
    return outcome(client.get(URL, headers=headers or {"Accept": "application/json"}))


def ask_guest(client: Client, **headers: str) -> str:
    client.raise_request_exception = False
    body = {"entityType": "dashboard", "entityId": 1}
    sent = {"Origin": "http://testserver", **headers}
    return outcome(client.post(GUEST, body, content_type="application/json", headers=sent))


# Stores

# The session engine, and the cache that replaces the working one.
STORE_FAULTS = {
    "the database is down; sessions are in the database": ("db", "there"),
    "the database is down; sessions are in signed cookies": ("signed_cookies", "there"),
    "the cache is down; sessions are in the cache": ("cache", "gone"),
    "the cache is down; sessions are in the cache and the database": ("cached_db", "gone"),
    "the cache refuses writes; sessions are in the cache and saved on every request": (
        "cache",
        "unwritable",
    ),
}
STORES_TABLE = table("the database is down; sessions")


@pytest.mark.parametrize("row", STORES_TABLE)
def test_stores(ada: User, settings: Settings, issued: list[Any], row: list[str]) -> None:
    engine, cache = STORE_FAULTS[row[0]]
    is_saved = "saved on every request" in row[0]
    settings.SESSION_ENGINE, settings.CACHES = f"{STORES}.{engine}", CACHES["there"]
    for headers, expected in zip([{}, NAVIGATION], row[1:], strict=True):
        client = Client()
        client.force_login(ada)
        cookie = client.cookies["sessionid"].value
        assert ask(client, headers) == "a token"
        issued.clear()
        settings.CACHES, settings.SESSION_SAVE_EVERY_REQUEST = CACHES[cache], is_saved
        with gone_database() if "database is down" in row[0] else nullcontext():
            assert ask(client, headers) == expected
        assert len(issued) == int(is_saved)  # signed, and the signal sent, before Django failed
        settings.CACHES, settings.SESSION_SAVE_EVERY_REQUEST = CACHES["there"], False
        client.cookies["sessionid"] = cookie
        assert ask(client, headers) == "a token"  # nothing has to be restarted


def test_the_table_of_stores() -> None:
    assert [row[0] for row in STORES_TABLE] == [*STORE_FAULTS]


def test_without_the_cache_django_takes_the_session_cookie_back(
    ada: User, settings: Settings
) -> None:
    settings.SESSION_ENGINE, settings.CACHES = f"{STORES}.cache", CACHES["there"]
    client = Client()
    client.force_login(ada)
    settings.CACHES = CACHES["gone"]
    response = client.get(FETCH)
    assert response.cookies["sessionid"]["max-age"] == 0


@pytest.mark.parametrize("keys", [{"REQUIRE_UNIQUE_EMAIL": True}, {"GROUP_MAPPING": {"a": "b"}}])
@pytest.mark.django_db
def test_the_database_is_gone_behind_the_session(
    configure: Configure, issued: list[Any], keys: dict[str, Any]
) -> None:
    user = User.objects.create_user("ada", "ada@example.com")
    configure(AUTHENTICATE=lambda request: user, **{"REQUIRE_UNIQUE_EMAIL": False, **keys})
    with gone_database():
        assert ask(Client()) == "500"
    assert issued == []
    assert ask(Client()) == "a token"


def test_guest_tokens_without_a_database(ada: User, client: Client, configure: Configure) -> None:
    client.force_login(ada)
    with gone_database():
        assert ask_guest(client) == "a token"  # this GUEST_PARAMS does not use the database
        assert ask_guest(client, Origin="https://evil.example") == "403 `origin-not-allowed`"
        configure(GUEST_PARAMS=lambda request, *item: {"user": request.user.pk})
        assert ask_guest(client) == "500"


# Callables

RAISED: dict[str, BaseException] = {
    'PermissionDenied("why")': PermissionDenied("why"),
    'AccessRefused("policy", "why")': AccessRefused("policy", "why"),
    "InvalidClaim": InvalidClaim("region", "is odd"),
    "Http404": Http404("nowhere"),
    "BadRequest": BadRequest("bad"),
    "SuspiciousOperation": SuspiciousOperation("odd"),
    "ImproperlyConfigured": ImproperlyConfigured("wrong"),
    "OperationalError": OperationalError("server closed the connection"),
    "TimeoutError": TimeoutError("the other server did not answer"),
    "any other exception": ZeroDivisionError("division by zero"),
}
CLAIM_CALLABLES = ["GROUP_MAPPING", "USER_ATTRIBUTES", "TENANT", "TENANT_ATTRIBUTES"]
CALLABLES_TABLE = table("`PermissionDenied(")


def raising(error: BaseException) -> Any:
    def fail(*args: object) -> NoReturn:
        raise error

    return fail


@pytest.mark.parametrize("row", CALLABLES_TABLE)
def test_callables_that_raise(
    signed_in: Client, configure: Configure, settings: Settings, issued: list[Any], row: list[str]
) -> None:
    name, authenticate, policy, others, guest = row
    fail = raising(RAISED[name.strip("`")])
    before = settings.METABASE_SSO
    expected = {"AUTHENTICATE": authenticate, "ACCESS_POLICY": policy, "JWT_SHARED_SECRET": others}
    expected.update(dict.fromkeys(CLAIM_CALLABLES, others))
    for key, answer in expected.items():
        settings.METABASE_SSO = before
        configure(TENANT=lambda user, request: "acme")
        configure(**{key: fail})
        assert ask(signed_in) == answer
        page = ask(signed_in, NAVIGATION)
        assert page.split()[0] == answer.split()[0]
        assert page in ("500", "401 `page`", "403 `page`")
    settings.METABASE_SSO = {**before, "GUEST_PARAMS": fail}
    assert ask_guest(signed_in) == guest
    assert issued == []
    settings.METABASE_SSO = before
    assert ask(signed_in) == "a token"


def test_the_table_of_exceptions() -> None:
    assert [row[0].strip("`") for row in CALLABLES_TABLE] == [*RAISED]


def test_receivers_that_raise(signed_in: Client, configure: Configure) -> None:
    fail = raising(ValueError("the audit log is full"))
    token_issued.connect(fail)
    token_refused.connect(fail)
    try:
        assert ask(signed_in) == "500"  # no token without its audit record
        configure(ACCESS_POLICY=lambda user, request: False)
        assert ask(signed_in) == "403 `policy`"  # the refusal is not affected
    finally:
        token_issued.disconnect(fail)
        token_refused.disconnect(fail)


# A callable that hangs


def test_a_callable_that_hangs_holds_up_its_own_request_alone(
    configure: Configure, issued: list[Any]
) -> None:
    people = {name: User(pk=pk, email=f"{name}@example.com") for pk, name in enumerate("ab")}
    entered, released = Event(), Event()

    def attributes(user: User, request: HttpRequest) -> dict[str, str]:
        if user is people["a"]:
            entered.set()
            assert released.wait(PATIENCE)
        return {}

    configure(
        AUTHENTICATE=lambda request: people[request.headers["Authorization"]],
        REQUIRE_UNIQUE_EMAIL=False,
        USER_ATTRIBUTES=attributes,
    )
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(ask, Client(), {"Authorization": "a"})
        assert entered.wait(PATIENCE)
        assert ask(Client(), {"Authorization": "b"}) == "a token"
        assert issued == [people["b"]]
        assert not hanging.done()
        released.set()
        assert hanging.result(PATIENCE) == "a token"
    assert issued == [people["b"], people["a"]]


def test_a_server_that_ends_a_hanging_request(
    signed_in: Client, configure: Configure, issued: list[Any]
) -> None:
    """gunicorn's sync worker raises SystemExit in the middle of the request."""
    configure(USER_ATTRIBUTES=raising(SystemExit(1)))
    with pytest.raises(SystemExit):
        signed_in.get(FETCH)
    assert issued == []
    configure(USER_ATTRIBUTES=None)
    assert ask(signed_in) == "a token"


# Clocks


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace `time.time()`, and return a list with the number that it returns."""
    now = [time.time()]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


@pytest.mark.parametrize("seconds", [-86_400, -3_600.5, -1, 0, 1, 3_600.5, 86_400])
def test_a_clock_that_is_set(signed_in: Client, clock: list[float], seconds: float) -> None:
    before = clock[0]
    for now in (before, before + seconds):
        clock[0] = now
        claims = verify(token_of(signed_in.get(FETCH)), SECRET, int(now))
        assert claims["iat"] == int(now)
        assert claims["exp"] == int(now) + 600


@pytest.mark.parametrize("row", table("181 seconds behind"))
def test_clocks_that_differ(signed_in: Client, clock: list[float], row: list[str]) -> None:
    number, _, direction = row[0].split()
    offset = int(number) * (1 if direction == "ahead" else -1)
    metabase = int(clock[0])
    clock[0] += offset
    token = token_of(signed_in.get(FETCH))
    try:
        verify(token, SECRET, metabase)
        said = "signed in"
    except TokenRefused as refused:
        said = str(refused)
    exp = str(metabase + offset + 600)
    assert said == row[1].strip("`").replace("(...)", f"({exp})")
