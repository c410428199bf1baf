"""A closed-loop client: one request at a time, the next when the answer is there.

Plain sockets, since http.client would take longer than the views that it measures.
"""

from __future__ import annotations

import itertools
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n"
    "Sec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\nCookie: sessionid={key}\r\n\r\n"
)


@dataclass(frozen=True)
class Block:
    """What a block of requests to one address took, in seconds."""

    latencies: list[float]
    cpu: float  # the worker's, for each request

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / sum(self.latencies)


@dataclass(frozen=True)
class Target:
    """An address under load: the port of its server, and the sessions that ask in turn."""

    port: int
    path: str
    keys: tuple[str, ...]

    def block(self, count: int) -> Block:
        """Make `count` requests; RuntimeError when one is not answered with 200."""
        requests = self._requests()
        before = self.cpu_seconds()
        latencies = [self._timed(next(requests)) for _ in range(count)]
        return Block(latencies, (self.cpu_seconds() - before) / count)

    def cpu_seconds(self) -> float:
        """Return the CPU time that the worker has used so far."""
        answer = _exchange(self.port, self._request("/cpu", ""))
        found = re.search(rb'"seconds": ([0-9.e-]+)', answer)
        if found is None:
            raise RuntimeError(f"/cpu answered {answer[:400]!r}")
        return float(found[1])

    def _requests(self) -> Iterator[bytes]:
        return itertools.cycle([self._request(self.path, key) for key in self.keys])

    def _request(self, path: str, key: str) -> bytes:
        return REQUEST.format(path=path, port=self.port, key=key).encode()

    def _timed(self, request: bytes) -> float:
        start = time.perf_counter()
        answer = _exchange(self.port, request)
        taken = time.perf_counter() - start
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{self.path} answered {answer[:400]!r}")
        return taken


def _exchange(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65536):  # a sync worker closes when it is done
            parts.append(part)
    return b"".join(parts)
