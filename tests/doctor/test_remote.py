"""What goes wrong on the way to Metabase: a sentence for each, in time, and never a traceback."""

from __future__ import annotations

import socket
import time

import pytest
from django.contrib.auth.models import User

from tests.helpers.configure import Configure
from tests.helpers.reports import APP, Doctor
from tests.servers.answers import PROPERTIES, SESSION, VERSION, Answered, old_metabase
from tests.servers.canned import Answers, Canned, Talk, fake, shake_hands, speaking
from tests.servers.ports import free_port

HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello"


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
    unreachable(doctor, "dns", "not a valid host name")


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
    for _ in range(7):
        connection.send(b"H")
        time.sleep(0.1)


def drip_a_body(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(7):
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
        (drip_a_body, "timeout", "in time"),
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
        (
            "https://login.example.com/?next=x",
            "https://login.example.com.",
            "let Django's requests pass",
        ),
        ("/login", "another path", "let Django's requests pass"),
        ("https://{host}/api", "https://{host}", "https://{host}"),
        ("http://{host}/api", "http://{host}", "let Django's requests pass"),
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
    assert "does not follow" in report.one("redirect")["cause"]
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
