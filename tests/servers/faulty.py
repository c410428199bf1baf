"""Servers in place of Metabase that send broken answers or none."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SESSION = "0b1d6d1f-5c1b-4b5e-9c5e-3f3d3f1d9a51"


def answer(
    body: str = "", status: str = "200 OK", kind: str = "application/json", *headers: str
) -> bytes:
    """Return the bytes of an HTTP answer."""
    content = body.encode()
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


SIGNED_IN = answer(f'{{"session_token": "{SESSION}"}}')
LIST = answer("[]")
HTML = answer("<!DOCTYPE html><title>Sign in</title>", kind="text/html; charset=utf-8")
BAD_GATEWAY = answer("<h1>502 Bad Gateway</h1>", "502 Bad Gateway", "text/html")
HALF = answer(f'{{"session_token": "{SESSION}", "padding": "{"x" * 200}"}}')[:-100]
CLOSED = b""
HANG = b"hang"


class Faulty(socketserver.ThreadingTCPServer):
    """Gives each connection the next of its answers, and repeats the last one."""

    daemon_threads = True

    def __init__(self, answers: tuple[bytes, ...]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers)
        self.requests: list[str] = []
        self.stopped = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, request: bytes) -> bytes:
        """Record a request; return its answer."""
        self.requests.append(request.decode())
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def calls(self) -> list[str]:
        """Return the method and path of each request."""
        return [request.partition(" HTTP/")[0] for request in self.requests]


class Handler(socketserver.StreamRequestHandler):
    server: Faulty

    def handle(self) -> None:
        head = b"".join(iter(self.rfile.readline, b"\r\n"))
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        given = self.server.take(head + self.rfile.read(int(length or 0)))
        if given == HANG:
            self.server.stopped.wait(10)
        else:
            self.wfile.write(given)


@contextmanager
def faulty(*answers: bytes) -> Iterator[Faulty]:
    """Run a server with these answers; yield it."""
    with Faulty(answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.stopped.set()
        server.shutdown()
