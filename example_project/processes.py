"""Runs the servers of the demo until one of them ends or you press Ctrl-C."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

PATIENCE = 30  # seconds to wait for a server


@dataclass(frozen=True)
class Server:
    """A Django site on a port of 127.0.0.1, with the environment of its process."""

    port: int
    environment: Mapping[str, str] = field(repr=False)


def run(servers: list[Server], welcome: str, farewell: str) -> None:
    """Run the servers until one ends or you press Ctrl-C.

    `welcome` is printed when all servers answer, and `farewell` after Ctrl-C.
    """
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.extend(map(start, servers))
        for server in servers:
            wait_for(server.port, processes)
        print(welcome, flush=True)
        while all(process.poll() is None for process in processes):
            time.sleep(0.2)
        sys.exit("One of the servers has stopped. Its last lines above say why.")
    except KeyboardInterrupt:
        print(f"\n{farewell}")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def port_from(name: str, default: int) -> int:
    """Return the port in this environment variable, or the default; exit if it is not a port."""
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or not 0 < int(text) < 65536:
        sys.exit(f"{name} is not a port: {text!r}")
    return int(text)


def require_free(port: int, others: str) -> None:
    """Exit with a message if the port is in use. `others` says how to choose another."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            sys.exit(f"Port {port} is in use. Stop what uses it, or choose another port: {others}")


def start(server: Server) -> subprocess.Popen[bytes]:
    """Start a server that writes its log to this terminal."""
    command = [sys.executable, "-m", "django", "runserver", "--noreload"]
    return subprocess.Popen(
        [*command, f"127.0.0.1:{server.port}"],
        env=dict(server.environment),
        stdout=subprocess.DEVNULL,
    )


def wait_for(port: int, processes: list[subprocess.Popen[bytes]]) -> None:
    """Wait until a server answers; exit if it does not."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if any(process.poll() is not None for process in processes):
            sys.exit("A server did not start. The lines above say why.")
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit(f"Nothing answers on port {port}.")
