"""Finds free ports, and waits for servers."""

from __future__ import annotations

import random
import socket
import time
import urllib.error
import urllib.request
from contextlib import suppress

# Below the ports that Linux gives to clients, so that no connection takes one meanwhile.
PORTS = range(20_000, 32_000)
PATIENCE = 30  # seconds to wait for a server


def free_port() -> int:
    """Return a free port. Tests that run at the same time get different ports."""
    for port in random.sample(PORTS, len(PORTS)):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError


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
