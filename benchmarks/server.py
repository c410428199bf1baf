"""Starts the benchmark site under gunicorn or uvicorn, and the Express server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
WORKSHOP = HERE.parent / ".e2e" / "express"
PACKAGES = ("express@5", "express-session@1", "jsonwebtoken@9", "libsql@0.5", "pg@8")
GUNICORN = (
    *(sys.executable, "-m", "gunicorn"),
    *("--config", "python:bench_site.gunicorn_conf", "--bind", "fd://{fd}"),
)
UVICORN = (
    *(sys.executable, "-m", "uvicorn", "--fd", "{fd}", "--factory", "--log-level", "error"),
    *("--lifespan", "off", "django.core.asgi:get_asgi_application"),
)
OURS = ("BENCH_", "GUNICORN_", "UVICORN_", "WEB_CONCURRENCY", "DJANGO_SETTINGS_MODULE")


def site_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that runs the benchmark site.

    What the caller's environment says about these programs is left out: with its
    BENCH_DATABASE_URL, say, the users and sessions would be made in that database.
    """
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    settings = {"DJANGO_SETTINGS_MODULE": "bench_site.settings", "PYTHONPATH": str(HERE)}
    return {**inherited, **settings, **extra}


def manage(arguments: list[str], extra: Mapping[str, str]) -> str:
    """Run a Python module on the benchmark site; return what it prints."""
    command = [sys.executable, "-m", *arguments]
    environment = site_environment(extra)
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def install_express() -> None:
    """Install Express and what it needs, once. libsql is a SQLite that needs no compiler."""
    WORKSHOP.mkdir(parents=True, exist_ok=True)
    marker = WORKSHOP / "packages.txt"
    if not marker.is_file() or marker.read_text() != " ".join(PACKAGES):
        (WORKSHOP / "package.json").write_text("{}")
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--silent", "--ignore-scripts"]
        subprocess.run(["npm", "install", *options, *PACKAGES], cwd=WORKSHOP, check=True)
        marker.write_text(" ".join(PACKAGES))


@contextmanager
def running(extra: Mapping[str, str], command: tuple[str, ...] = GUNICORN) -> Iterator[int]:
    """Run the site with these environment variables; give the port on 127.0.0.1.

    The socket is opened here and handed over: no port can be taken in between, and the first
    request simply waits until the server listens. `{fd}` in the command becomes its number.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        port = int(listener.getsockname()[1])
        number = str(listener.fileno())
        server = subprocess.Popen(
            [part.replace("{fd}", number) for part in command],
            env=site_environment(extra),
            pass_fds=[int(number)],
        )
        try:
            yield port
        finally:
            server.terminate()
            server.wait(timeout=30)
