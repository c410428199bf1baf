"""Calls with an API key: what each failure says, and where the key does not go."""

from __future__ import annotations

import importlib
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from django_metabase_sso.administration import api as api_module
from django_metabase_sso.administration.api import opened, version_of
from django_metabase_sso.exceptions import (
    BadSetting,
    MetabaseError,
    MetabaseRefused,
    MetabaseUnavailable,
)
from tests.helpers.configure import Configure
from tests.servers.canned import Canned, Fake, fake, speaking
from tests.servers.ports import free_port

KEY = "mb_tests-only-api-key-0123456789="
PATH = "/api/setting"


def ask(configure: Configure, answer: Canned) -> tuple[Any, Fake]:
    """Ask a server for its settings; return what came and what was asked."""
    with fake({f"GET {PATH}": answer}) as server:
        configure(INSTANCE_URL=server.url, API_KEY=KEY)
        try:
            with opened(2) as api:
                return api.get(PATH), server
        except MetabaseError as error:
            assert_no_key(error)
            return error, server


def assert_no_key(error: BaseException) -> None:
    """Assert that neither the text nor any frame of an error has the key or what holds it."""
    shown = "".join(traceback.format_exception(error))
    assert KEY not in shown
    for frame, _ in traceback.walk_tb(error.__traceback__):
        assert "site-packages" not in frame.f_code.co_filename
        if frame.f_globals["__name__"].startswith("django_metabase_sso"):
            assert KEY not in repr(frame.f_locals)


def test_without_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(ImportError, match=r"pip install 'django-metabase-sso\[client\]'"):
        importlib.reload(api_module)


def test_json(configure: Configure) -> None:
    found, server = ask(configure, Canned(200, [{"key": "site-url"}]))
    assert found == [{"key": "site-url"}]
    [request] = server.requests
    assert f"X-API-Key: {KEY}" in request
    assert "X-Metabase-Locale: en" in request


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Canned(401, "Unauthenticated"), MetabaseRefused, "does not know the API key"),
        (Canned(403, "nein"), MetabaseRefused, "group Administrators"),
        (Canned(402, {"message": "Something went wrong"}), MetabaseRefused, "Pro or Enterprise"),
        (Canned(404, "API endpoint does not exist."), MetabaseRefused, "version and plan"),
        (Canned(400, {"errors": {"value": "no"}}), MetabaseRefused, '{"value": "no"}'),
        (Canned(400, "<h1>no</h1>", {"Content-Type": "text/html"}), MetabaseRefused, "with 400."),
        (Canned(500, "<html>"), MetabaseUnavailable, "the server failed (500)"),
        (Canned(302, "", {"Location": "https://evil.example/"}), MetabaseUnavailable, "followed"),
        (Canned(200, "<html>", {"Content-Type": "text/html"}), MetabaseUnavailable, "HTML"),
        (Canned(200, "[nothing"), MetabaseUnavailable, "not JSON"),
    ],
)
def test_failures(configure: Configure, answer: Canned, kind: type, words: str) -> None:
    error, _ = ask(configure, answer)
    assert type(error) is kind
    assert words in str(error)
    assert str(error).endswith(".") or words in '{"value": "no"}'


def test_strangers_texts_are_cleaned(configure: Configure) -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6ImEifQ.c2ln"
    error, _ = ask(configure, Canned(400, f"no\x1b[31m {token}"))
    assert "\x1b" not in str(error)
    assert token not in str(error)


def test_nobody_answers(configure: Configure) -> None:
    configure(INSTANCE_URL=f"http://127.0.0.1:{free_port()}", API_KEY=KEY)
    failed = "the connection failed"
    with pytest.raises(MetabaseUnavailable, match=failed) as raised, opened(2) as api:
        api.put("/api/setting/site-url", {"value": "x"})
    assert_no_key(raised.value)


def test_no_answer_in_time(configure: Configure) -> None:
    with speaking(lambda connection: time.sleep(0.5)) as host:
        configure(INSTANCE_URL=f"http://{host}", API_KEY=KEY)
        with pytest.raises(MetabaseUnavailable, match="too long") as raised, opened(0.2) as api:
            api.get(PATH)
    assert_no_key(raised.value)


def drip(connection: socket.socket) -> None:
    """Answer a byte at a time, without an end."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:  # until the other side closes
        connection.sendall(b" ")
        time.sleep(0.02)


def test_an_answer_without_an_end(configure: Configure) -> None:
    with speaking(drip) as host:
        configure(INSTANCE_URL=f"http://{host}", API_KEY=KEY)
        with (
            pytest.raises(MetabaseUnavailable, match="does not end") as raised,
            opened(0.2) as api,
        ):
            api.get(PATH)
    assert_no_key(raised.value)


def test_an_answer_that_breaks_off(configure: Configure) -> None:
    with speaking(lambda connection: connection.close()) as host:
        configure(INSTANCE_URL=f"http://{host}", API_KEY=KEY)
        with pytest.raises(MetabaseUnavailable, match="cut off") as raised, opened(2) as api:
            api.get(PATH)
    assert_no_key(raised.value)


def test_proxies_of_the_environment_are_not_used(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    found, _ = ask(configure, Canned(200, []))
    assert found == []


@pytest.mark.parametrize(
    ("values", "check_id"),
    [
        ({"API_KEY": None}, "metabase_sso.E032"),
        ({"API_KEY": ""}, "metabase_sso.E032"),
        ({"API_KEY": f"{KEY}\n"}, "metabase_sso.E032"),
        ({"API_KEY": lambda: f" {KEY}"}, "metabase_sso.E032"),
        ({"API_KEY": 7}, "metabase_sso.E032"),
        ({"INSTANCE_URL": "http://metabase.example.com"}, "metabase_sso.E032"),
    ],
)
def test_a_key_that_is_not_sent(
    configure: Configure, values: dict[str, Any], check_id: str
) -> None:
    configure(**{"API_KEY": KEY, **values})
    with pytest.raises(BadSetting) as raised, opened():
        raise AssertionError
    assert raised.value.check_id == check_id
    assert_no_key(raised.value)


def test_a_key_that_rotates(configure: Configure) -> None:
    keys = iter(["mb_first=", "mb_second="])
    with fake({f"GET {PATH}": Canned(200, [])}) as server:
        configure(INSTANCE_URL=server.url, API_KEY=lambda: next(keys))
        for _ in range(2):
            with opened(2) as api:
                api.get(PATH)
    assert "mb_first=" in server.requests[0]
    assert "mb_second=" in server.requests[1]


@pytest.mark.parametrize(
    ("tag", "version"),
    [("v1.65.3", 65), ("v0.56.0-RC2", 56), ("v1.58.1.2", 58), ("vUNKNOWN", 65), ("None", 65)],
)
def test_versions(tag: str, version: int) -> None:
    assert version_of(tag) == version


@pytest.mark.parametrize("answer", [[], {"version": None}, {"version": {"tag": None}}])
def test_a_version_that_is_not_told(configure: Configure, answer: Any) -> None:
    with fake({"GET /api/session/properties": Canned(200, answer)}) as server:
        configure(INSTANCE_URL=server.url, API_KEY=KEY)
        with opened(2) as api:
            assert api.version() == 65


def test_what_has_no_place_in_a_body(configure: Configure) -> None:
    configure(INSTANCE_URL="http://127.0.0.1:1", API_KEY=KEY)
    with pytest.raises(TypeError, match="object cannot be written as JSON"), opened() as api:
        api.put(PATH, {"value": object()})


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    yield
    assert KEY not in repr(vars(sys.modules["django_metabase_sso.administration.api"]))
