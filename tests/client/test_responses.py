"""What is said when Metabase, or what stands in its place, gives a bad answer."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import httpx
import pytest
from django.contrib.auth.models import User

from django_metabase_sso.client import MetabaseError, MetabaseRefused, MetabaseUnavailable
from django_metabase_sso.client.errors import unavailable
from tests.helpers.configure import Configure
from tests.helpers.twins import ME, Serve, Sync
from tests.servers.faulty import (
    BAD_GATEWAY,
    CLOSED,
    HALF,
    HANG,
    HTML,
    LIST,
    SESSION,
    SIGNED_IN,
    answer,
)
from tests.servers.standin import Metabase
from tests.settings import SECRET

OTHER_SECRET = "another-jwt-shared-secret-0123456789abcdef"
NO_HTTP = b"SSH-2.0-OpenSSH_9.6\r\n"
MOVED = answer("", "301 Moved", "text/html", "Location: https://metabase.example.com/x?y=z")

# What every kind of call can meet: the answer, words of the message, the status.
FAULTS = [
    pytest.param(HANG, "the response took too long (ReadTimeout)", None, id="hangs"),
    pytest.param(BAD_GATEWAY, "the server failed (502)", 502, id="502"),
    pytest.param(HTML, "the response is HTML instead of JSON", 200, id="html"),
    pytest.param(HALF, "the response was cut off", None, id="half a body"),
    pytest.param(CLOSED, "the response was cut off", None, id="closes the connection"),
    pytest.param(NO_HTTP, "the response was cut off, or was not HTTP", None, id="no http"),
    pytest.param(MOVED, "the response is a redirect (301) to https://met", 301, id="redirect"),
]


def caught(
    twin: Sync, user: User, path: str = ME, method: str = "GET", timeout: float = 10
) -> MetabaseError:
    """Return what a call raises, which leads to no request of httpx's."""
    with pytest.raises(MetabaseError) as info:
        twin.call(user, path, method, timeout=timeout)
    assert info.value.__context__ is info.value.__cause__ is None
    for hidden in (SESSION, SECRET, "eyJ"):
        assert hidden not in str(info.value) + repr(info.value) + repr(vars(info.value))
    return info.value


def refused(twin: Sync, user: User, path: str = ME) -> MetabaseRefused:
    error = caught(twin, user, path)
    assert isinstance(error, MetabaseRefused)
    return error


def patience(given: bytes) -> float:
    """Return how long to wait for an answer: a machine with much to do is not a fault."""
    return 0.5 if given == HANG else 10


@pytest.mark.parametrize(("given", "words", "status"), FAULTS)
def test_at_the_sign_in(
    twin: Sync, serve: Serve, ada: User, given: bytes, words: str, status: int | None
) -> None:
    server = serve(given)
    error = caught(twin, ada, timeout=patience(given))
    assert isinstance(error, MetabaseUnavailable)
    assert error.status == status
    assert str(error).startswith(f"Metabase, POST {server.url}/auth/sso/to_session: {words}")
    assert server.calls() == ["POST /auth/sso/to_session"]  # never repeated blindly


@pytest.mark.parametrize(("given", "words", "status"), FAULTS)
def test_after_the_sign_in(
    twin: Sync, serve: Serve, ada: User, given: bytes, words: str, status: int | None
) -> None:
    server = serve(SIGNED_IN, given)
    error = caught(twin, ada, f"{ME}?private=1", timeout=patience(given))
    assert isinstance(error, MetabaseUnavailable)
    assert error.status == status
    assert str(error).startswith(f"Metabase, GET {server.url}{ME}: {words}")
    assert "private" not in str(error)


def test_nobody_listens(twin: Sync, ada: User, configure: Configure) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        configure(INSTANCE_URL=f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert ": the connection failed (" in str(caught(twin, ada))


def test_a_success_after_a_fault(twin: Sync, serve: Serve, ada: User) -> None:
    server = serve(BAD_GATEWAY, SIGNED_IN, LIST)
    caught(twin, ada)
    assert twin.call(ada, "/api/dashboard").json() == []
    assert len(server.requests) == 3


# Repeating


@pytest.mark.parametrize("given", [CLOSED, HALF])
def test_reading_is_repeated_once(twin: Sync, serve: Serve, ada: User, given: bytes) -> None:
    server = serve(SIGNED_IN, given, LIST)
    assert twin.call(ada, "/api/dashboard").json() == []
    assert len(server.requests) == 3


@pytest.mark.parametrize("given", [HANG, BAD_GATEWAY])
def test_an_answer_and_a_time_out_are_not_repeated(
    twin: Sync, serve: Serve, ada: User, given: bytes
) -> None:
    server = serve(SIGNED_IN, given, LIST)
    caught(twin, ada, timeout=patience(given))
    assert len(server.requests) == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_else_is_repeated(twin: Sync, serve: Serve, ada: User, method: str) -> None:
    server = serve(SIGNED_IN, CLOSED, LIST)
    caught(twin, ada, "/api/card/1", method)
    assert len(server.requests) == 2


# Refusals


def test_the_secret_was_rotated(
    twin: Sync, metabase: Metabase, ada: User, configure: Configure
) -> None:
    twin.call(ada, ME)
    configure(JWT_SHARED_SECRET=OTHER_SECRET)
    twin.call(ada, ME)  # the session goes on
    metabase.reset()
    error = refused(twin, ada)
    assert error.status == 401
    assert error.text == "Message seems corrupt or manipulated"
    assert error.cause.startswith("Metabase and Django have different secrets")
    assert "JWT_SHARED_SECRET" in error.cure
    assert f"{error.text} {error.cause} {error.cure}" in str(error)
    assert OTHER_SECRET not in str(error)


def test_sso_is_off(twin: Sync, metabase: Metabase, ada: User) -> None:
    metabase.change(jwt_enabled=False)
    error = refused(twin, ada)
    assert (error.status, error.cause[:21]) == (400, "JWT sign-in is switch")


def test_a_path_that_metabase_does_not_have(twin: Sync, metabase: Metabase, ada: User) -> None:
    error = refused(twin, ada, "/api/nothing")
    assert (error.status, error.text) == (404, "API endpoint does not exist.")
    assert (error.cause, error.cure) == ("", "")
    assert str(error) == (
        f"Metabase refused GET {metabase.url}/api/nothing with 404: API endpoint does not exist."
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("You don't have permissions to do that.", "You don't have permissions to do that."),
        ('"a JSON text"', "a JSON text"),
        ('{"status": "error", "message": "no"}', "no"),
        ('{"errors": {"name": "é blank"}}', '{"name": "é blank"}'),
        ('{"error": null, "via": 1}', '{"error": null, "via": 1}'),
        ("[" * 100_000, "[" * 500),
        ("", ""),
        (
            f"two\nlines\x1b[31m {SESSION} eyJhbGciOi.eyJlbWFpbCI6",
            r"two lines\x1b[31m [hidden] [hidden]",
        ),
    ],
)
def test_metabases_words(twin: Sync, serve: Serve, ada: User, body: str, text: str) -> None:
    serve(SIGNED_IN, answer(body, "403 Forbidden"))
    error = refused(twin, ada)
    assert error.text == text
    assert str(error).endswith(f"with 403: {text}" if text else "with 403.")


def test_a_page_is_not_metabases_words(twin: Sync, serve: Serve, ada: User) -> None:
    serve(answer("<p>Forbidden", "403 Forbidden", "text/html"))
    error = refused(twin, ada)
    assert error.text == ""


def test_a_metabase_without_the_endpoint(twin: Sync, serve: Serve, ada: User) -> None:
    serve(answer("API endpoint does not exist.", "404 Not Found", "text/plain"))
    error = refused(twin, ada)
    assert "This version of Metabase does not let servers sign in" in str(error)


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"session_token": null}', '{"session_token": "a\\r\\nX: b"}', "[" * 100_000],
)
def test_an_answer_without_a_session(twin: Sync, serve: Serve, ada: User, body: str) -> None:
    serve(answer(body))
    assert "another format instead of JSON with a session" in str(caught(twin, ada))


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/login", "the same host"),
        ("https://me:secret@evil.example/", "another address"),
        ("ftp://evil.example:21/", "another address"),
        ("http://[", "another address"),
        ("http://evil.example/?a=b", "http://evil.example"),
    ],
)
def test_no_redirect_is_followed(
    twin: Sync, serve: Serve, ada: User, location: str, target: str
) -> None:
    server = serve(SIGNED_IN, answer("", "302 Found", "text/html", f"Location: {location}"))
    assert f"a redirect (302) to {target}, which is not followed" in str(caught(twin, ada))
    assert len(server.requests) == 2


def test_not_modified_is_a_success(twin: Sync, serve: Serve, ada: User) -> None:
    serve(SIGNED_IN, answer("", "304 Not Modified"))
    assert twin.call(ada, ME, headers={"If-None-Match": "x"}).status_code == 304


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/api/pulse/preview_card/1", {"Accept": "text/html"}), ("/public/dashboard/1", {})],
)
def test_pages_that_were_asked_for(
    twin: Sync, serve: Serve, ada: User, path: str, headers: dict[str, str]
) -> None:
    serve(SIGNED_IN, HTML)
    assert "Sign in" in twin.call(ada, path, headers=headers).text


def test_compressed_wrongly(twin: Sync, serve: Serve, ada: User) -> None:
    serve(answer("{}", "200 OK", "application/json", "Content-Encoding: gzip"))
    assert "could not be decoded" in str(caught(twin, ada))


KNOWN = "Message seems corrupt or manipulated"


@pytest.mark.parametrize("body", [KNOWN, json.dumps({"message": KNOWN, "trace": []})])
def test_a_reason_for_an_error_of_the_server(
    twin: Sync, serve: Serve, ada: User, body: str
) -> None:
    serve(answer(body, "500 Server Error"))
    error = caught(twin, ada)
    assert isinstance(error, MetabaseUnavailable)
    assert f"the server failed (500): {KNOWN} Metabase and Django have different secrets" in str(
        error
    )


# Another language, hidden messages: the status decides


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        ("400 Bad Request", "the slug of a new tenant, or a group"),
        ("401 Unauthorized", "to refuse a token"),
        ("402 Payment Required", "plan"),
        ("403 Forbidden", "to refuse a tenant"),
        ("404 Not Found", "does not let servers sign in"),
        ("418 Teapot", ""),
    ],
)
@pytest.mark.parametrize("body", ["Nachricht beschädigt", '{"message": "Nachricht beschädigt"}'])
def test_a_sign_in_with_words_that_are_not_known(
    twin: Sync, serve: Serve, ada: User, body: str, status: str, cause: str
) -> None:
    """A 401 of Metabase is bare text, the others are JSON or text."""
    serve(answer(body, status, "text/plain"))
    error = refused(twin, ada)
    assert (error.status, error.text) == (int(status[:3]), "Nachricht beschädigt")
    assert cause in error.cause
    assert bool(error.cause) == bool(error.cure) == bool(cause)


def test_a_sign_in_whose_reason_is_hidden(twin: Sync, serve: Serve, ada: User) -> None:
    serve(answer('{"message": "Something went wrong"}', "403 Forbidden"))
    assert "MB_HIDE_STACKTRACES" in refused(twin, ada).cause


def test_a_reason_that_is_only_in_the_status(twin: Sync, serve: Serve, ada: User) -> None:
    """The `status` of Metabase's JSON is not translated."""
    body = {"status": "error-premium-feature-not-available", "message": "Kostenpflichtig."}
    serve(answer(json.dumps(body), "402 Payment Required"))
    error = refused(twin, ada)
    assert error.text == "Kostenpflichtig."
    assert "plan" in error.cause


@pytest.mark.parametrize("body", [KNOWN, '{"errors": {"name": "blank"}}'])
def test_another_call_is_not_explained_as_a_sign_in(
    twin: Sync, serve: Serve, ada: User, body: str
) -> None:
    serve(SIGNED_IN, answer(body, "400 Bad Request"))
    error = refused(twin, ada)
    assert (error.cause, error.cure) == ("", "")


# Sign-out


def test_a_sign_out_that_fails(twin: Sync, serve: Serve, ada: User) -> None:
    serve(SIGNED_IN, LIST, BAD_GATEWAY, SIGNED_IN, LIST)
    twin.call(ada, ME)
    with pytest.raises(MetabaseUnavailable, match=r"DELETE .*/api/session"):
        twin.logout(ada)
    assert twin.call(ada, ME).json() == []  # with a new session: the old one was dropped


def test_kinds_of_network_errors() -> None:
    request = httpx.Request("GET", "http://metabase.example.com/api/card?x=y")
    kinds: list[tuple[Callable[[str], Exception], str]] = [
        (httpx.ConnectTimeout, "connecting took too long (ConnectTimeout)."),
        (httpx.PoolTimeout, "the response took too long (PoolTimeout)."),
        (httpx.ConnectError, "the connection failed (ConnectError)."),
        (httpx.WriteError, "the request failed (WriteError)."),
        (httpx.ProxyError, "the request failed (ProxyError)."),
        (RuntimeError, "the request failed (RuntimeError)."),
    ]
    for kind, words in kinds:
        message = f"Metabase, GET http://metabase.example.com/api/card: {words}"
        assert str(unavailable(request, kind(""))) == message


def test_many_beginnings_of_a_token(twin: Sync, serve: Serve, ada: User) -> None:
    """What a visitor typed may come back in an error: hiding tokens must not take long."""
    text = json.dumps({"message": "No such card: " + "eyJ" * 100_000})
    serve(SIGNED_IN, answer(text, "400 Bad Request"))
    assert refused(twin, ada).text == "No such card: [hidden]"


@pytest.mark.parametrize("charset", ["bz2", "idna", "utf-16", "none"])
def test_a_charset_that_is_none(twin: Sync, serve: Serve, ada: User, charset: str) -> None:
    kind = f"application/json; charset={charset}"
    serve(SIGNED_IN, answer('{"message": "Zu spät."}', "400 Bad Request", kind))
    assert refused(twin, ada).text == "Zu spät."
