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

HEAD = (
    "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
    "Connection: close\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\n"
)


def get(path: str, cookie: str = "") -> bytes:
    """Return a GET request as it is sent."""
    return f"{HEAD.format(method='GET', path=path)}Cookie: {cookie}\r\n\r\n".encode()


def post(path: str, body: dict[str, str]) -> bytes:
    """Return a POST request with JSON."""
    content = json.dumps(body)
    head = HEAD.format(method="POST", path=path)
    types = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return f"{head}{types}{content}".encode()


@dataclass(frozen=True)
class Usage:
    """What the process of a server has used so far."""

    cpu: float  # seconds
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

    def block(self, count: int) -> Block:
        """Make `count` requests; RuntimeError when one gets no 200 with what is expected.

        They start anywhere, so that all sessions have their turn.
        """
        before = self.usage().cpu
        start = random.randrange(len(self.requests))
        latencies = [
            self._timed(self.requests[(start + number) % len(self.requests)])
            for number in range(count)
        ]
        return Block(latencies, (self.usage().cpu - before) / count)

    def usage(self) -> Usage:
        """Return what the server's process has used."""
        answer = _exchange(self.port, get("/usage"))
        figures = json.loads(answer[answer.index(b"{") : answer.index(b"}") + 1])
        return Usage(figures["cpu"], figures["rss"], figures.get("queries", 0))

    def _timed(self, request: bytes) -> float:
        start = time.perf_counter()
        answer = _exchange(self.port, request)
        taken = time.perf_counter() - start
        if not answer.startswith(b"HTTP/1.1 200 ") or self.expected not in answer:
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
