"""The stand-in as it is started: its settings, its log, its own process."""

from __future__ import annotations

import importlib
import logging
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from example_project.standin import settings as standin_settings
from example_project.standin.logs import HideTokens, hide_tokens
from example_project.standin.start import configured, environment
from tests.helpers.standin import token

ROOT = Path(__file__).parent.parent.parent
STANDIN = ROOT / "example_project" / "standin"


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_SETTINGS", '{"site-url": "https://m.example"}')
    monkeypatch.setenv("STANDIN_VERSION", "58")
    monkeypatch.setenv("MB_JWT_ENABLED", "true")
    read = importlib.reload(standin_settings)
    assert read.STANDIN_SETTINGS == {"site-url": "https://m.example"}
    assert (read.STANDIN_VERSION, read.STANDIN_ENVIRONMENT["MB_JWT_ENABLED"]) == (58, "true")
    monkeypatch.undo()
    assert importlib.reload(standin_settings).STANDIN_SETTINGS == {}


@pytest.mark.parametrize(
    "text",
    [
        '"GET /auth/sso?jwt={} HTTP/1.1" 302 0',
        '"GET /auth/sso?token=true&jwt={}&return_to=/ HTTP/1.1" 302 0',
        '"GET /auth/sso?%6Awt={} HTTP/1.1" 401 0',
        "Not Found: /x/{}",
    ],
)
def test_tokens_are_hidden(text: str) -> None:
    sent = token()
    assert hide_tokens(text.format(sent)) == text.format("[hidden]")
    record = logging.LogRecord("x", logging.INFO, "x", 1, "%s", (text.format(sent),), None)
    assert HideTokens().filter(record)
    assert record.getMessage() == text.format("[hidden]")


def test_a_cut_token_is_hidden() -> None:
    assert hide_tokens("GET /?jwt=secret&a=1") == "GET /?jwt=[hidden]&a=1"
    assert hide_tokens("100% done") == "100% done"


def test_neither_imports_the_other() -> None:
    """The stand-in checks the package's work, so it may not share its mistakes."""
    for module in STANDIN.rglob("*.py"):
        assert "django_metabase_sso" not in module.read_text()
    for module in (ROOT / "django_metabase_sso").rglob("*.py"):
        assert "standin" not in module.read_text()


def status_of(url: str) -> int:
    """Return the status of a request that follows no redirect."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args: object) -> None:
            return None

    try:
        with urllib.request.build_opener(Stay).open(url, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:  # not up yet
        return 0


def test_a_process_of_its_own(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secret = {"jwt-shared-secret": "x" * 32}
    there = configured("http://localhost:3000", "http://localhost:8000/sso/metabase", [], **secret)
    command = [sys.executable, "-m", "django", "runserver", f"127.0.0.1:{port}", "--noreload"]
    log = tmp_path / "log"
    url, sent = f"http://127.0.0.1:{port}", token()
    with log.open("w") as output:
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**environment(there), "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + 30
            while status_of(f"{url}/api/health") != 200 and time.monotonic() < deadline:
                time.sleep(0.1)
            assert status_of(f"{url}/auth/sso?jwt={sent}") == 401
            assert status_of(f"{url}/dashboard/1?jwt={sent}") == 302
            assert status_of(f"{url}/auth/{sent}") == 404
            assert status_of(f"{url}/") == 302
        finally:
            server.terminate()
            server.wait(timeout=10)
    written = log.read_text()
    assert "/auth/sso?jwt=[hidden]" in written
    assert not [part for part in sent.split(".") if part in written]
    assert "x" * 32 not in written
