"""What goes wrong on the way to Metabase: a sentence for each, in time, and never a traceback."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils.http import http_date

from tests.helpers.configure import Configure
from tests.helpers.reports import APP, Doctor, Report
from tests.servers.canned import Answers, Canned, Talk, fake, shake_hands, speaking
from tests.servers.ports import free_port

HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello"
PROPERTIES = "GET /api/session/properties"
VERSION = Canned(body={"version": {"tag": "v1.56.3"}})
# What a token that names nobody is answered, and what a person's is, in one
SESSION = Canned(body={"session_token": "s", "message": "JWT token missing email claim"})
Answered = Callable[..., tuple[Report, list[str]]]


@pytest.fixture
def answered(doctor: Doctor, configure: Configure) -> Answered:
    """Return a function that runs the doctor while a server gives these answers for Metabase."""

    def examine(answers: Answers, *arguments: str) -> tuple[Report, list[str]]:
        with fake(answers) as server:
            configure(INSTANCE_URL=server.url)
            return doctor(*arguments), server.requests

    return examine


def unreachable(doctor: Doctor, code: str, words: str) -> None:
    """Expect the sentence, and that what does not need Metabase is looked at all the same."""
    report = doctor("--timeout", "0.5")
    assert report.faults() == [f"network-{code}"]
    found = report.one(f"network-{code}")
    assert words in found["cause"]
    assert report.level("sso") == "skipped"
    assert report.level("endpoint") == "ok"
    assert report.level("cache") == "skipped"


def test_a_name_that_does_not_exist(doctor: Doctor, configure: Configure) -> None:
    configure(INSTANCE_URL="https://metabase.invalid")
    report = doctor("--timeout", "20")
    assert report.faults() == ["network-dns"]
    assert "DNS" in report.one("network-dns")["cause"]


def test_a_name_that_cannot_exist(doctor: Doctor, configure: Configure) -> None:
    configure(INSTANCE_URL=f"https://{'x' * 64}.example.com")
    unreachable(doctor, "dns", "can be no host name")


def test_nobody_listens(doctor: Doctor, configure: Configure) -> None:
    configure(INSTANCE_URL=f"http://localhost:{free_port()}")
    unreachable(doctor, "refused", "nothing listens")


def test_no_route(doctor: Doctor, configure: Configure) -> None:
    configure(INSTANCE_URL="http://255.255.255.255")
    unreachable(doctor, "network", "cannot be reached")


def hang(connection: socket.socket) -> None:
    connection.recv(1000)
    time.sleep(1)


def drip(connection: socket.socket) -> None:
    """Send a byte in time, again and again."""
    connection.recv(1000)
    while True:
        connection.send(b"H")
        time.sleep(0.1)


def say(text: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(text)

    return talk


@pytest.mark.parametrize(
    ("talk", "code", "words"),
    [
        (hang, "timeout", "in time"),
        (drip, "timeout", "in time"),
        (say(b""), "closed", "without an answer"),
        (say(HALF), "half", "in the middle"),
        (say(CHUNKED), "half", "in the middle"),
        (say(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "not-http", "not HTTP"),
    ],
)
def test_bad_answers(
    doctor: Doctor, configure: Configure, talk: Talk, code: str, words: str
) -> None:
    with speaking(talk) as address:
        configure(INSTANCE_URL=f"http://{address}")
        unreachable(doctor, code, words)


def test_a_certificate_that_nobody_trusts(doctor: Doctor, configure: Configure) -> None:
    with speaking(shake_hands) as address:
        configure(INSTANCE_URL=f"https://{address}")
        unreachable(doctor, "certificate", "not trusted")


def test_no_tls(doctor: Doctor, configure: Configure) -> None:
    with speaking(say(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as address:
        configure(INSTANCE_URL=f"https://{address}")
        unreachable(doctor, "tls", "TLS")


@pytest.mark.parametrize(
    ("location", "words", "cure"),
    [
        ("https://login.example.com/?next=x", "https://login.example.com.", "let Django past"),
        ("/login", "another path", "let Django past"),
        ("https://{host}/api", "https://{host}", "https://{host}"),
        ("http://{host}/api", "http://{host}", "let Django past"),
    ],
)
def test_redirects_are_not_followed(
    doctor: Doctor, configure: Configure, ada: User, location: str, words: str, cure: str
) -> None:
    answers: Answers = {}
    with fake(answers) as server:
        host = server.url.removeprefix("http://")
        answers[PROPERTIES] = Canned(302, headers={"Location": location.format(host=host)})
        configure(INSTANCE_URL=server.url)
        report = doctor("--user", "ada")
    assert report.faults() == ["redirect"]
    assert words.format(host=host) in report.one("redirect")["title"]
    assert "not followed" in report.one("redirect")["cause"]
    assert cure.format(host=host) in report.one("redirect")["cure"]
    assert len(server.requests) == 1


@pytest.mark.parametrize("path", ["POST /auth/sso/to_session", "GET /api/user/current"])
def test_a_redirect_gets_no_token(answered: Answered, ada: User, path: str) -> None:
    """Neither the one that names nobody, nor a session."""
    with fake({}) as other:
        answers = {
            PROPERTIES: VERSION,
            "GET /auth/sso": Canned(body={"method": "jwt", "url": "https://localhost"}),
            "POST /auth/sso/to_session": SESSION,
            path: Canned(307, headers={"Location": f"{other.url}/auth/sso/to_session"}),
        }
        report, requests = answered(answers, "--user", "ada", "--origin", APP)
    assert other.url in report.one("redirect")["title"]
    assert other.requests == []
    assert not any("Cookie" in request for request in requests)


@pytest.mark.parametrize(
    ("canned", "level", "words"),
    [
        (Canned(502, "<html>Bad Gateway"), "fault", "502"),
        (Canned(404, "nothing here"), "warning", "not say which version"),
        (Canned(200, "<html>Sign in"), "warning", "not say which version"),
        (Canned(200, {"version": "v1"}), "warning", "not say which version"),
        (Canned(200, {"version": {"tag": "v1\x1b[2J"}}), "ok", r"v1\x1b[2J."),
        (Canned(200, ["version"]), "warning", "not say which version"),
        (Canned(200, "[" * 100_000), "warning", "not say which version"),
    ],
)
def test_versions(answered: Answered, canned: Canned, level: str, words: str) -> None:
    report, _ = answered({PROPERTIES: canned})
    assert report.level("instance") == level
    assert words in report.one("instance")["title"]
    if level != "fault":
        sso = report.one("sso")
        assert "status 404" in sso["title"]
        assert "none of the answers that are known" in sso["cause"]


def test_the_open_source_build(answered: Answered) -> None:
    report, _ = answered({PROPERTIES: Canned(body={"version": {"tag": "v0.56.3"}})})
    assert report.level("edition") == "warning"
    assert "plan" in report.one("edition")["cure"]
    assert report.level("clock") == "warning"  # no Date header
    assert "Date" in report.one("clock")["title"]


@pytest.mark.parametrize(("age", "level"), [("300", "ok"), ("", "fault"), ("x", "fault")])
def test_a_date_that_a_cache_kept(answered: Answered, age: str, level: str) -> None:
    headers = {"Date": http_date(time.time() - 300), "Age": age}
    report, _ = answered({PROPERTIES: Canned(body=VERSION.body, headers=headers)})
    assert report.level("clock") == level


def old_metabase(url: str) -> Answers:
    return {
        PROPERTIES: VERSION,
        "GET /auth/sso": Canned(302, headers={"Location": url}),
        "POST /auth/sso/to_session": Canned(404, "API endpoint does not exist."),
    }


def test_an_old_metabase(answered: Answered) -> None:
    """Before version 55 there is no JSON to discover, and no to_session."""
    report, requests = answered(old_metabase("http://localhost/sso/metabase"))
    assert report.level("method") == "warning"
    assert "55" in report.one("method")["cause"]
    assert report.level("identity-provider") == "ok"
    assert any("GET /auth/sso?jwt=" in request for request in requests)


@pytest.mark.parametrize(
    ("canned", "words"),
    [
        (
            Canned(401, {"message": "eyJhbGciOi.eyJ0b2tlbi.signature \x1b is odd"}),
            r"[hidden] \x1b is",
        ),
        (Canned(500, "java.lang.NullPointerException"), "status 500: java.lang.Null"),
        (Canned(401, '"Something new"'), "401: Something new"),
        (Canned(403, "<html>", {"Content-Type": "text/html"}), "status 403"),
        (Canned(200, {"status": 7}), "status 200"),
    ],
)
def test_unknown_answers_to_a_token(answered: Answered, canned: Canned, words: str) -> None:
    answers = {**old_metabase("http://localhost"), "POST /auth/sso/to_session": canned}
    found = answered(answers)[0].one("secret")
    assert found["level"] == "fault"
    assert words in found["title"]


def test_a_proxy_that_takes_the_session_header_away(answered: Answered, ada: User) -> None:
    answers = {**old_metabase("http://localhost"), "POST /auth/sso/to_session": SESSION}
    report, requests = answered(answers, "--user", "ada")
    found = report.one("exchange")
    assert found["level"] == "fault"
    assert "X-Metabase-Session" in found["cause"]
    assert any(request.startswith("DELETE /api/session") for request in requests)


def test_a_session_that_is_none(
    answered: Answered, ada: User, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is named nowhere, not in the error of a library either."""
    hostile = Canned(body={**SESSION.body, "session_token": "hostile\n"})
    answers = {**old_metabase("http://localhost"), "POST /auth/sso/to_session": hostile}
    report, requests = answered(answers, "--user", "ada")
    assert report.one("exchange")["level"] == "fault"
    assert not any(request.startswith("DELETE") for request in requests)
    assert "hostile" not in str(report.findings) + "".join(capfd.readouterr())


def cors(*, allowed: str, headers: str, status: int = 200) -> Answers:
    named = {"Access-Control-Allow-Origin": allowed}
    return {
        PROPERTIES: VERSION,
        "GET /auth/sso": Canned(body={"method": "jwt"}, headers=named),
        "OPTIONS /api/user/current": Canned(
            status, headers={**named, "Access-Control-Allow-Headers": headers}
        ),
    }


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (cors(allowed="*", headers="*"), ""),
        (cors(allowed=APP, headers="Accept, X-Metabase-Session", status=204), ""),
        (cors(allowed=APP, headers="Accept"), "X-Metabase-Session"),
        (cors(allowed=APP, headers="*", status=405), "status 405"),
        (cors(allowed="https://other.example", headers="*"), "/auth/sso"),
        ({**cors(allowed=APP, headers="*"), "OPTIONS /api/user/current": Canned()}, "preflight"),
    ],
)
def test_cors(answered: Answered, answers: Answers, words: str) -> None:
    found = answered(answers, "--origin", APP)[0].one("metabase-cors")
    assert found["level"] == ("fault" if words else "ok")
    assert words in found["cause"]
