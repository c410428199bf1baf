"""Runs this project in a thread. Each request uses the current settings."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import trustme
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler

from tests.servers.ports import free_port

AUTHORITY = trustme.CA()


@dataclass
class Site:
    """A running site. Users cannot sign in, because another thread has the tests' database.

    `serves_static`, `headers` and `replaced` say what the server in front of Django does: serve
    static files, add headers and replace headers.
    """

    port: int = field(default_factory=free_port)
    scheme: str = "http"
    serves_static: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}"

    def answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *args: Any) -> Any:
            kept = [(name, self.replaced.get(name, value)) for name, value in headers]
            return start_response(status, [*kept, *self.headers.items()], *args)

        handler: Any = WSGIHandler()
        if self.serves_static:
            handler = StaticFilesHandler(handler)
        return handler(environ, start)


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Do not print the request."""


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Run the site. With https, it is like a proxy that terminates TLS and says so in a header."""
    with make_server("127.0.0.1", site.port, site.answer, Server, Quiet) as server:
        if site.scheme == "https":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            AUTHORITY.issue_cert("localhost").configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            server.base_environ["HTTP_X_FORWARDED_PROTO"] = "https"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield site
        server.shutdown()
