"""`make metabase`: the stand-in alone, as Metabase is after its installation."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT
from tests.servers.ports import free_port
from tests.settings import SECRET


@pytest.fixture
def printed(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Run it with another secret exported; return what it prints, by the names on the left."""
    environment = {
        **os.environ,
        "STANDIN_PORT": str(free_port()),
        "METABASE_JWT_SHARED_SECRET": SECRET,
        "METABASE_INSTANCE_URL": "https://metabase.example.com",
    }
    log = tmp_path / "log"
    command = [sys.executable, "-m", "example_project.metabase"]
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], log.read_text()
        try:
            yield {
                name.strip(): value.strip()
                for name, separator, value in (line.strip().partition("   ") for line in lines)
                if separator
            } | {"all": "".join(lines)}
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()  # a shell that starts tests with & makes them ignore SIGINT
    assert "Traceback" not in log.read_text()


def test_as_new(printed: dict[str, str]) -> None:
    assert "stand-in for Metabase" in printed["all"]
    assert SECRET not in printed["all"]
    url = printed["Address"]
    key = {"X-API-Key": printed["API key"]}
    with urllib.request.urlopen(
        urllib.request.Request(f"{url}/api/setting", headers=key)
    ) as found:
        settings = {entry["key"]: entry["value"] for entry in json.load(found)}
    assert settings["site-url"] == url
    assert settings["jwt-shared-secret"] == f"**********{printed['JWT shared secret'][-2:]}"
    assert settings["embedding-secret-key"][-2:] == printed["Embedding secret key"][-2:]
    for name in ("jwt-enabled", "jwt-group-sync", "jwt-identity-provider-uri"):
        assert settings[name] is None
    with urllib.request.urlopen(printed["Settings page"]) as page:
        assert b"Settings of the stand-in" in page.read()
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(f"{url}/auth/sso")


def test_a_port_that_is_taken(printed: dict[str, str]) -> None:
    port = printed["Address"].rpartition(":")[2]
    command = [sys.executable, "-m", "example_project.metabase"]
    environment = {**os.environ, "STANDIN_PORT": port}
    second = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"Port {port} is in use" in second.stderr
