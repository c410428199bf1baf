"""Ports of this machine, and what answers there."""

from __future__ import annotations

import random
import socket
import time
import urllib.error
import urllib.request
from contextlib import suppress

# Below those that Linux gives to clients: no other test's connection takes one in between.
PORTS = range(20_000, 32_000)
PATIENCE = 30  # seconds until a server has to answer


def free_port() -> int:
    """Return a port that nobody listens on; tests that run at the same time get others."""
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
