"""A closed-loop client: one request at a time, the next when the answer is there.

Plain sockets, since http.client would take longer than the views that it measures.
"""

from __future__ import annotations

import json
import random
import socket
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

HEAD = (
    "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
    "Connection: close\r\nSec-Fetch-Mode: cors\r\n"
)


def get(path: str, cookie: str = "", origin: str = "") -> bytes:
    """Return a GET request as a browser sends it, from another origin or the same one."""
    fields = _site(origin) + (f"Cookie: {cookie}\r\n" if cookie else "")
    return f"{HEAD.format(method='GET', path=path)}{fields}\r\n".encode()


def preflight(path: str, origin: str) -> bytes:
    """Return what a browser sends before a request with a header of its own."""
    asked = "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: authorization"
    head = HEAD.format(method="OPTIONS", path=path) + _site(origin)
    return f"{head}{asked}\r\n\r\n".encode()


def _site(origin: str) -> str:
    """Return how a browser says from where it asks."""
    if not origin:
        return "Sec-Fetch-Site: same-origin\r\n"
    return f"Sec-Fetch-Site: cross-site\r\nOrigin: {origin}\r\n"


def post(path: str, body: dict[str, str], origin: str = "") -> bytes:
    """Return a POST request with JSON, from another origin or the same one."""
    content = json.dumps(body)
    head = HEAD.format(method="POST", path=path) + _site(origin)
    types = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return f"{head}{types}{content}".encode()


@dataclass(frozen=True)
class Usage:
    """What the process of a server has used so far."""

    pid: int
    rss: float  # MB
    queries: int  # counted by Express alone


@dataclass(frozen=True)
class Block:
    """What a block of requests to one address took, in seconds."""

    latencies: list[float]
    cpu: float  # the worker's, for each request

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / sum(self.latencies)

    @property
    def p50(self) -> float:
        """The median, in milliseconds."""
        return statistics.median(self.latencies) * 1_000


@dataclass(frozen=True)
class Target:
    """A server under load: its port, the requests to make in turn, and what each answer holds."""

    port: int
    requests: Sequence[bytes]
    expected: bytes
    status: int = 200

    def block(self, count: int) -> Block:
        """Make `count` requests; RuntimeError for an answer that is not the expected one.

        They start anywhere, so that all sessions have their turn.
        """
        before = self._cpu()
        start = random.randrange(len(self.requests))
        latencies = [
            self._timed(self.requests[(start + number) % len(self.requests)])
            for number in range(count)
        ]
        return Block(latencies, (self._cpu() - before) / count)

    def usage(self) -> Usage:
        """Return what the server's process has used."""
        answer = _exchange(self.port, get("/usage"))
        figures = json.loads(answer[answer.index(b"{") : answer.index(b"}") + 1])
        return Usage(figures["pid"], figures["rss"], figures.get("queries", 0))

    @cached_property
    def _pid(self) -> int:
        return self.usage().pid

    def _cpu(self) -> float:
        """Return the seconds of CPU time that the server has used: clock_getcpuclockid(3)."""
        return time.clock_gettime((~self._pid << 3) | 2)

    def _timed(self, request: bytes) -> float:
        start = time.perf_counter()
        answer = _exchange(self.port, request)
        taken = time.perf_counter() - start
        if int(answer.split(b" ", 2)[1]) != self.status or self.expected not in answer:
            # Not the answer itself: it may hold a token.
            raise RuntimeError(f"{request.split()[1]!r} answered {answer.splitlines()[:1]!r}")
        return taken


@dataclass
class Variant:
    """One row of a table: a target, and its block of each round."""

    name: str
    target: Target
    requests: int  # in a block
    blocks: list[Block] = field(default_factory=list)

    def median(self, figure: Callable[[Block], float]) -> float:
        """Return the median over the rounds of a figure of a block."""
        return statistics.median(figure(block) for block in self.blocks)

    def percentile(self, percent: int) -> float:
        """Return a percentile of all latencies, in milliseconds."""
        latencies = [latency for block in self.blocks for latency in block.latencies]
        return statistics.quantiles(latencies, n=100)[percent - 1] * 1_000

    def ratio(self, other: Variant, figure: Callable[[Block], float]) -> float:
        """Return the median over the rounds of our figure by the other's of the same round."""
        pairs = zip(self.blocks, other.blocks, strict=True)
        return statistics.median(figure(own) / figure(its) for own, its in pairs)


def measure(variants: Iterable[Variant], rounds: int) -> None:
    """Make the rounds, after one that is not counted: a block for each variant.

    The order is drawn anew for each round: in a fixed one, or one that only turns round, the same
    variant always runs right after itself or after the same neighbour, on warm caches.
    """
    shuffled = list(variants)
    draw = random.Random(1)
    for number in range(rounds + 1):
        draw.shuffle(shuffled)
        for variant in shuffled:
            block = variant.target.block(variant.requests)
            if number:
                variant.blocks.append(block)


def _exchange(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65536):  # the server closes when it is done
            parts.append(part)
    return b"".join(parts)
