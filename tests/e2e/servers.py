"""What else is running: the stand-in Metabase, and the pages that embed."""

from __future__ import annotations

import functools
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from example_project.standin.start import configured, environment
from tests.settings import EMBEDDING_SECRET, SECRET

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 30  # seconds until a server has to answer


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def standin(identity_provider: str, origins: list[str], log: Path) -> Iterator[str]:
    """Run the stand-in Metabase as a process of its own; yield its address."""
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


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files, and prints nothing about it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@contextmanager
def page_server(folder: Path) -> Iterator[str]:
    """Serve the files of a folder on an origin of their own; yield its address."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def wait_for(url: str) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.URLError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.05)
        else:
            return
