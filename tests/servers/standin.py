"""Runs the stand-in in another process, and drives it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from example_project.standin.start import configured, environment
from tests.helpers.paths import ROOT
from tests.servers.ports import PATIENCE, free_port, wait_for
from tests.settings import EMBEDDING_SECRET, SECRET


@contextmanager
def standin(identity_provider: str, origins: list[str], log: Path) -> Iterator[str]:
    """Run the stand-in; yield its URL."""
    port = free_port()
    url = f"http://localhost:{port}"
    secrets = {"jwt-shared-secret": SECRET, "embedding-secret-key": EMBEDDING_SECRET}
    settings = configured(url, identity_provider, origins, **secrets)
    command = [sys.executable, "-m", "django", "runserver", "--noreload", "--skip-checks"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, f"127.0.0.1:{port}"],
            cwd=ROOT,
            env=environment(settings),
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(f"{url}/api/health")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


class Metabase:
    """A running stand-in, which is driven over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def change(self, **values: Any) -> None:
        """Change its settings."""
        self._send("PATCH", "settings", json.dumps(values).encode())

    def state(self) -> Any:
        """Return its state: accounts, sign-ins, the number of sessions."""
        return json.loads(self._send("GET", "state", None))

    def signed_in(self) -> list[str]:
        """Return the e-mail addresses of the sign-ins, in their order."""
        return [entry["email"] for entry in self.state()["sign_ins"]]

    def sign_ins(self) -> list[str]:
        """Return the same. Assert that all of them signed in as the client does."""
        assert {entry["how"] for entry in self.state()["sign_ins"]} <= {"to_session"}
        return self.signed_in()

    def reset(self) -> None:
        self._send("POST", "reset", b"")

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        request = urllib.request.Request(f"{self.url}/standin/{path}", body, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            content: bytes = answer.read()
        return content
