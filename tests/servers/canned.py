"""Small servers with canned answers, in place of Metabase."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

NOBODYS_AUTHORITY = trustme.CA()


@dataclass
class Canned:
    """An answer. `body` is sent as JSON, unless it is a string."""

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Answers = dict[str, "Canned | Callable[[str], Canned]"]


@dataclass
class Fake:
    """A running server: its URL, and the requests that it got."""

    url: str
    requests: list[str] = field(default_factory=list)


@contextmanager
def fake(answers: Mapping[str, Canned | Callable[[str], Canned]]) -> Iterator[Fake]:
    """Run a server that gives these answers by `METHOD /path`, and 404 for all other requests.

    The query is ignored. A path that ends with `/*` matches all paths below it. A callable gets
    the whole request and returns the answer.
    """

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length).decode()
            running.requests.append(f"{self.requestline}\n{self.headers}{body}")
            path = self.path.partition("?")[0]
            canned = answers.get(f"{self.command} {path}") or answers.get(
                f"{self.command} {path.rpartition('/')[0]}/*", Canned(404)
            )
            if not isinstance(canned, Canned):
                canned = canned(running.requests[-1])
            text = canned.body if isinstance(canned.body, str) else json.dumps(canned.body)
            self.send_response_only(canned.status)
            for name, value in canned.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = do_OPTIONS = do_DELETE = answer  # noqa: N815

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running = Fake(f"http://localhost:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        server.shutdown()


Talk = Callable[[socket.socket], None]


@contextmanager
def speaking(talk: Talk) -> Iterator[str]:
    """Run a server that calls `talk` with each connection; yield its host and port."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def serve() -> None:
            with suppress(OSError):  # the test is over
                while True:
                    connection = listening.accept()[0]
                    with connection, suppress(OSError):
                        talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"localhost:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def shake_hands(connection: socket.socket) -> None:
    """Start TLS with a certificate that is not trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    NOBODYS_AUTHORITY.issue_cert("localhost").configure_cert(context)
    context.wrap_socket(connection, server_side=True).close()
