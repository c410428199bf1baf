"""Servers of the example that run until one of them ends or somebody presses Ctrl-C."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

PATIENCE = 30  # seconds until a server has to answer


@dataclass(frozen=True)
class Server:
    """A Django site on a port of 127.0.0.1; `environment` says which settings it has."""

    port: int
    environment: Mapping[str, str] = field(repr=False)


def run(servers: list[Server], welcome: str, farewell: str) -> None:
    """Run the servers until one ends or somebody presses Ctrl-C."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.extend(map(start, servers))
        for server in servers:
            wait_for(server.port, processes)
        print(welcome, flush=True)
        while all(process.poll() is None for process in processes):
            time.sleep(0.2)
        sys.exit("One of the servers ended; its last lines say why.")
    except KeyboardInterrupt:
        print(f"\n{farewell}")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def port_from(name: str, default: int) -> int:
    """Return the port that the environment names, or the default."""
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or not 0 < int(text) < 65536:
        sys.exit(f"{name} is not a port: {text!r}")
    return int(text)


def require_free(port: int, others: str) -> None:
    """End with a sentence when somebody already listens on the port; `others` chooses others."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            sys.exit(f"Port {port} is taken. Stop what uses it, or choose another: {others}")


def start(server: Server) -> subprocess.Popen[bytes]:
    """Start one server, which writes its log to this terminal."""
    command = [sys.executable, "-m", "django", "runserver", "--noreload"]
    return subprocess.Popen(
        [*command, f"127.0.0.1:{server.port}"],
        env=dict(server.environment),
        stdout=subprocess.DEVNULL,
    )


def wait_for(port: int, processes: list[subprocess.Popen[bytes]]) -> None:
    """Wait until a server listens."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if any(process.poll() is not None for process in processes):
            sys.exit("A server did not start; the lines above say why.")
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit(f"Nothing answers on port {port}.")
