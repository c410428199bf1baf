"""Metabase does not answer, or something else does."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from django_metabase_sso.client import MetabaseRefused, MetabaseUnavailable
from tests.client.conftest import Ask, email_of
from tests.conftest import Configure
from tests.doctor.conftest import Metabase
from tests.doctor.servers import Canned, fake, speaking
from tests.e2e.servers import free_port
from tests.test_redacted import JWT, assert_clean

ME = "/api/user/current"
SIGN_IN = "POST /auth/sso/to_session"
SESSION = "session-0123456789"
OK = Canned(body={"session_token": SESSION})


def hang(connection: socket.socket) -> None:
    while connection.recv(65_536):  # until the other side gives up
        pass


def close(connection: socket.socket) -> None:
    connection.recv(65_536)


def half(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"session_tok')


def babble(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def assert_nothing_shown(error: BaseException, *secrets: str) -> None:
    """No token and no session: in the error, its causes, and the variables of our frames."""
    seen: BaseException | None = error
    while seen is not None:
        assert type(seen).__module__.startswith("django_metabase_sso")
        assert_clean(f"{seen} {seen!r} {seen.args}", *secrets)
        for frame, _ in traceback.walk_tb(seen.__traceback__):
            if "/django_metabase_sso/" in frame.f_code.co_filename:
                assert_clean(repr(frame.f_locals), *secrets)
        seen = seen.__cause__ or seen.__context__


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        (hang, "did not answer in time"),
        (close, "broke the connection off"),
        (half, "broke the connection off"),
        (babble, "broke the connection off"),
    ],
)
def test_at_the_sign_in(
    ada: User, ask: Ask, configure: Configure, talk: Callable[[Any], None], words: str
) -> None:
    with speaking(talk) as host:
        configure(INSTANCE_URL=f"http://{host}")
        with pytest.raises(MetabaseUnavailable, match=words) as caught:
            ask(ada, "get", ME, timeout=0.5)
        assert host in str(caught.value)
    assert_nothing_shown(caught.value)


def test_nobody_listens(ada: User, ask: Ask, configure: Configure) -> None:
    configure(INSTANCE_URL=f"http://localhost:{free_port()}")
    with pytest.raises(MetabaseUnavailable, match="No connection to Metabase at localhost") as c:
        ask(ada, "get", ME)
    assert_nothing_shown(c.value)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (Canned(502, "Bad gateway"), MetabaseUnavailable, "answered 502: Bad gateway"),
        (Canned(200, "<p>", {"Content-Type": "text/html"}), MetabaseUnavailable, "not Metabase"),
        (Canned(200, ["x"]), MetabaseUnavailable, "not Metabase"),
        (Canned(200, {"session_token": None}), MetabaseUnavailable, "not Metabase"),
        (Canned(200, {"session_token": "ö"}), MetabaseUnavailable, "not Metabase"),
        (Canned(200, {"session_token": ""}), MetabaseUnavailable, "not Metabase"),
        (Canned(404, "<p>", {"Content-Type": "text/html"}), MetabaseRefused, "404: an HTML page"),
        (Canned(403, {"error": "No"}), MetabaseRefused, "403: No"),
        (Canned(400, ["no"]), MetabaseRefused, "400: "),
        (Canned(401, {"message": "Token is expired (7)"}), MetabaseRefused, "TOKEN_LIFETIME"),
        (
            Canned(302, "", {"Location": "https://evil.example/auth"}),
            MetabaseUnavailable,
            "302, a redirect to evil.example, which is not followed",
        ),
        (Canned(307), MetabaseUnavailable, "307, a redirect to another address"),
    ],
)
def test_odd_answers_to_the_sign_in(
    ada: User,
    ask: Ask,
    configure: Configure,
    answer: Canned,
    error: type[Exception],
    words: str,
) -> None:
    with fake({SIGN_IN: answer}) as server:
        configure(INSTANCE_URL=server.url)
        with pytest.raises(error) as caught:
            ask(ada, "get", ME)
        assert len(server.requests) == 1  # a sign-in is not repeated
    assert words in str(caught.value)
    assert_nothing_shown(caught.value)


def test_an_answer_that_repeats_what_it_was_sent(
    ada: User, ask: Ask, configure: Configure
) -> None:
    answers = {SIGN_IN: OK, f"GET {ME}": Canned(403, f"No rights for {SESSION}")}
    with fake(answers) as server:
        configure(INSTANCE_URL=server.url)
        with pytest.raises(MetabaseRefused) as caught:
            ask(ada, "get", ME)
        [jwt] = set(JWT.findall("".join(server.requests)))
        answers[SIGN_IN] = Canned(500, f"Could not read {jwt}")
        answers[f"GET {ME}"] = Canned(401)
        with pytest.raises(MetabaseUnavailable, match=r"Could not read \[hidden\]"):
            ask(ada, "get", ME)
    assert str(caught.value).endswith("No rights for [hidden]")
    assert_nothing_shown(caught.value, SESSION)


def test_a_redirect_of_a_call_is_not_followed(ada: User, ask: Ask, configure: Configure) -> None:
    with fake({}) as elsewhere:
        moved = Canned(302, "", {"Location": f"{elsewhere.url}{ME}"})
        with fake({SIGN_IN: OK, f"GET {ME}": moved}) as server:
            configure(INSTANCE_URL=server.url)
            with pytest.raises(MetabaseUnavailable, match="not followed"):
                ask(ada, "get", ME)
        assert elsewhere.requests == []


def test_no_cookie_is_kept(ada: User, ask: Ask, configure: Configure) -> None:
    cookie = {"Set-Cookie": "metabase.SESSION=other; Path=/"}
    answers = {SIGN_IN: Canned(200, OK.body, cookie), f"GET {ME}": Canned(200, {"a": 1}, cookie)}
    with fake(answers) as server:
        configure(INSTANCE_URL=server.url)
        for _ in range(2):
            ask(ada, "get", ME)
        assert "Cookie:" not in "".join(server.requests).replace("Set-Cookie:", "")
        assert "".join(server.requests).count(f"X-Metabase-Session: {SESSION}") == 2


@pytest.mark.parametrize(
    ("method", "calls"), [("get", 3), ("put", 1), ("post", 1), ("delete", 1), ("logout", 1)]
)
def test_only_what_is_idempotent_is_repeated(
    ada: User, ask: Ask, configure: Configure, metabase: Metabase, method: str, calls: int
) -> None:
    ask(ada, "get", ME)
    made: list[bytes] = []

    def note(connection: socket.socket) -> None:
        made.append(connection.recv(65_536))

    with speaking(note) as host:
        # The session is found: only the address behind it changes.
        arguments = [] if method == "logout" else ["/api/x"]
        moved = f"http://{host}"
        configure(INSTANCE_URL=moved)
        _carry_over(ada, metabase.url, moved, configure)
        with pytest.raises(MetabaseUnavailable, match="broke the connection off") as caught:
            ask(ada, method, *arguments)
    assert len(made) == calls
    assert_nothing_shown(caught.value, made[0].decode().partition("Session: ")[2].split()[0])


def _carry_over(user: User, old: str, new: str, configure: Configure) -> None:
    """Put the session of one address below another."""
    from django_metabase_sso import session_cache
    from django_metabase_sso.client.identity import identify

    configure(INSTANCE_URL=old)
    session = session_cache.read(identify(user).key)
    configure(INSTANCE_URL=new)
    session_cache.write(identify(user).key, session or "")


def test_a_logout_that_is_refused(ada: User, ask: Ask, configure: Configure) -> None:
    answers = {SIGN_IN: OK, f"GET {ME}": Canned(200, {"email": "a"})}
    with fake(answers) as server:
        configure(INSTANCE_URL=server.url)
        assert email_of(ask(ada, "get", ME)) == "a"
        answers["DELETE /api/session"] = Canned(500, "no")
        with pytest.raises(MetabaseUnavailable, match="answered 500: no"):
            ask(ada, "logout")
        ask(ada, "logout")  # it is forgotten here, whatever Metabase said
