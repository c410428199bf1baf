"""Starts the benchmark site under gunicorn."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
GUNICORN = [sys.executable, "-m", "gunicorn", "--config", "python:bench_site.gunicorn_conf"]


def site_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that runs the benchmark site."""
    settings = {"DJANGO_SETTINGS_MODULE": "bench_site.settings", "PYTHONPATH": str(HERE)}
    return {**os.environ, **settings, **extra}


def manage(arguments: list[str], extra: Mapping[str, str]) -> str:
    """Run a Python module on the benchmark site; return what it prints."""
    command = [sys.executable, "-m", *arguments]
    environment = site_environment(extra)
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


@contextmanager
def running(extra: Mapping[str, str]) -> Iterator[int]:
    """Run the site with these environment variables; give the port on 127.0.0.1.

    The socket is opened here and handed over: no port can be taken in between, and the first
    request simply waits until gunicorn listens.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
        number = listener.fileno()
        command = [*GUNICORN, "--bind", f"fd://{number}"]
        server = subprocess.Popen(command, env=site_environment(extra), pass_fds=[number])
        try:
            yield port
        finally:
            server.terminate()
            server.wait(timeout=30)
