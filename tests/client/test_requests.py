"""What is sent, and what a caller may not send."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import User

from django_metabase_sso.client.requests import check_path
from tests.helpers.twins import Serve, Sync
from tests.servers.faulty import LIST, SESSION, SIGNED_IN, answer


def test_headers(twin: Sync, serve: Serve, ada: User) -> None:
    server = serve(SIGNED_IN, LIST, prefix="/metabase")
    twin.call(ada, "/api/dashboard", headers={"X-Mine": "1"}, params={"f": "all"})
    sign_in, call = server.requests
    assert server.calls() == [
        "POST /metabase/auth/sso/to_session",
        "GET /metabase/api/dashboard?f=all",
    ]
    assert f"\r\nX-Metabase-Session: {SESSION}\r\n" in call
    assert "\r\nX-Mine: 1\r\n" in call
    assert "jwt" not in call
    assert '{"jwt":"eyJ' in sign_in.replace(" ", "")
    assert "X-Metabase-Session" not in sign_in
    assert "X-Mine" not in sign_in


@pytest.mark.parametrize(
    "name",
    [
        b"Cookie",
        "X-Metabase-Session",
        "x-metabase-session",
        "Cookie",
        "Authorization",
        "X-API-Key",
        "HOST",
    ],
)
def test_headers_that_are_the_clients_own(twin: Sync, serve: Serve, ada: User, name: Any) -> None:
    server = serve(SIGNED_IN, LIST)
    with pytest.raises(ValueError, match="the client sets these headers"):
        twin.call(ada, "/api/dashboard", headers={name: "x"})
    assert server.requests == []


@pytest.mark.parametrize(
    ("path", "method", "options", "words"),
    [
        ("//evil.example/x", "GET", {}, "exactly one slash"),
        ("/api/../x", "GET", {}, "segment"),
        ("/api/card?f=all", "GET", {"params": {}}, "not in both"),
        ("/api/card", "TRACE", {}, "the method"),
        ("/api/card", "GET /x HTTP/1.1\r\n", {}, "the method"),
        ("/api/card", "GET", {"cookies": {"a": "b"}}, "unknown option: cookies"),
        ("/api/card", "GET", {"extensions": {"target": b"//x"}}, "unknown option: extensions"),
        ("/api/card", "GET", {"auth": ("a", "b")}, "unknown option: auth"),
        ("/api/card", "GET", {"follow_redirects": True}, "unknown option: follow_redirects"),
    ],
)
def test_nothing_is_sent_for_what_may_not_be(
    twin: Sync, serve: Serve, ada: User, path: str, method: str, options: Any, words: str
) -> None:
    server = serve(SIGNED_IN, LIST)
    with pytest.raises((ValueError, TypeError), match=words):
        twin.call(ada, path, method, **options)
    assert server.requests == []


def test_no_cookies_are_kept(twin: Sync, serve: Serve, ada: User) -> None:
    cookie = f"Set-Cookie: metabase.SESSION={SESSION}; Path=/"
    signed_in = answer(f'{{"session_token": "{SESSION}"}}', "200 OK", "application/json", cookie)
    server = serve(signed_in, answer("[]", "200 OK", "application/json", cookie), LIST)
    for _ in range(2):
        twin.call(ada, "/api/dashboard")
    assert len(server.requests) == 3
    assert not [request for request in server.requests if "cookie" in request.lower()]


def test_a_file_is_sent_again_whole(twin: Sync, serve: Serve, ada: User) -> None:
    server = serve(SIGNED_IN, answer("", "401 Unauthorized"), SIGNED_IN, LIST)
    twin.call(ada, "/api/upload/csv", "POST", files={"file": io.BytesIO(b"a,b\n1,2\n")})
    first, second = server.requests[1], server.requests[3]
    assert "a,b\n1,2\n" in first
    assert first == second


# Paths


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/dashboard",
        "/api/card?f=all&x=..",
        "/api/card?x=%2e%2e/..&y=%25",
        "/auth/sso",
        "/api/card/1/query/csv",
        "/api/a..b/...",
        "/api/%41",
        "/api/%zz",
        "/api/Übersicht",
        "/api/a b",
    ],
)
def test_good_paths(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "api/dashboard",
        "//evil.example/api",
        "///evil.example",
        "http://evil.example/",
        "@evil.example/",
        ":80@evil.example/",
        ".evil.example/",
        "\\evil.example",
        "/\\evil.example",
        "/api\\..\\x",
        "/api/x#y",
        "/api/\r\nHost: evil.example",
        "/api/\t",
        "/api/\0",
        "/api/\u2028",
        "/..",
        "/.",
        "/../secret",
        "/api/../../secret",
        "/api/./x",
        "/api/%2e%2e/x",
        "/api/.%2E/x",
        "/api/..%2fx",
        "/api/%252e%252e/x",
        "/api/%25252e%25252e/x",
        "/api/..;/x",
        "/api/..;a=b/x",
        "/api/%2e%2e%3b/x",
        "/api/%5c..",
        "/api/%0d%0aX: y",
        "/api/%00",
        "/api/%ff",
        "/api/%e2%80%a8",
        "/api/x%3f/../y",
        "/api/..%3fx",
        "/api/card?x=%0d%0a",
        "/api/card?x=a\\b",
        "/api/card?x=a\u202e",
        "/%2525252525252e%2525252525252e",
        "/api/" + "%25" * 2 + "25" * 9 + "2e",
    ],
)
def test_bad_paths(path: str) -> None:
    with pytest.raises(ValueError, match="the path"):
        check_path(path)
