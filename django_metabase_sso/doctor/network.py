"""One HTTP request: no proxy, no cookie, no redirect, an end to waiting, a sentence for errors.

Built on `http.client`, which does none of these by itself, so that nothing has to be switched off.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead
from urllib.parse import urlsplit

from django_metabase_sso.doctor.findings import Finding, Problem

LARGEST_BODY = 5_000_000  # bytes; the rest is not read
# The first that fits: later ones are the base classes of earlier ones.
FAILURES: tuple[tuple[type[Exception], str, str, str], ...] = (
    (
        socket.gaierror,
        "dns",
        "The name {host} has no address here (DNS).",
        "Correct the host name, or make it known to the machine that runs Django.",
    ),
    (
        UnicodeError,
        "dns",
        "{host} can be no host name (DNS).",
        "Correct the host name.",
    ),
    (
        ConnectionRefusedError,
        "refused",
        "{host} is there, but nothing listens on that port (connection refused).",
        "Start it, or correct the port; in a container, localhost is the container itself.",
    ),
    (
        ssl.SSLCertVerificationError,
        "certificate",
        (
            "The certificate of {host} is not trusted here (TLS): expired, self-signed, of another"
            " name or of an unknown authority."
        ),
        (
            "Renew the certificate; for an authority of your own, set the environment variable"
            " SSL_CERT_FILE to its certificate."
        ),
    ),
    (
        ssl.SSLError,
        "tls",
        "{host} does not speak TLS on that port, or only versions that are refused here.",
        "Correct the scheme or the port: https usually is on 443.",
    ),
    (
        TimeoutError,
        "timeout",
        "{host} did not answer in time.",
        (
            "Look for a firewall between the two, or for an overloaded server; --timeout waits"
            " longer. The doctor uses no proxy."
        ),
    ),
    (
        ConnectionError,
        "closed",
        "{host} closed the connection without an answer.",
        "Look into the log of the server there; http sent to an https port ends like this, too.",
    ),
    (
        IncompleteRead,
        "half",
        "{host} closed the connection in the middle of its answer.",
        "Look into the log of the server there, and of the proxies before it.",
    ),
    (
        HTTPException,
        "not-http",
        "What {host} answered is not HTTP.",
        "Correct the port: something else listens there.",
    ),
    (
        OSError,
        "network",
        "{host} cannot be reached from here.",
        "Look at the network of the machine that runs Django: routes, firewall, IPv6.",
    ),
)


@dataclass(frozen=True)
class Raw:
    """What came back, and when by our clock (seconds since 1970)."""

    status: int
    headers: Message
    body: bytes
    asked_at: float
    answered_at: float


def send(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float
) -> Raw:
    """Return the answer to one request; Problem when there is none after `timeout` seconds."""
    connection = _connection(url, timeout)
    done: list[Raw | Exception] = []

    def work() -> None:
        try:
            done.append(_exchange(connection, method, url, headers, body))
        except (OSError, HTTPException, UnicodeError) as error:
            done.append(error)
        finally:
            connection.close()

    # A socket's own time-out covers neither DNS nor an answer that comes byte by byte.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(timeout)
    result = done[0] if done else TimeoutError()
    if not done:
        with suppress(OSError, AttributeError):  # closed by now, or not connected yet
            connection.sock.shutdown(socket.SHUT_RDWR)
    if isinstance(result, Raw):
        return result
    raise unreachable(result, url)


def unreachable(error: Exception, url: str) -> Problem:
    """Return the finding for a network error, in a sentence."""
    host = urlsplit(url).netloc
    _, code, cause, cure = next(row for row in FAILURES if isinstance(error, row[0]))
    title = f"No answer from {host}."
    return Problem(Finding("fault", f"network-{code}", title, cause.format(host=host), cure))


def _connection(url: str, timeout: float) -> HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return HTTPSConnection(parts.netloc, timeout=timeout, context=context)
    return HTTPConnection(parts.netloc, timeout=timeout)


def _exchange(
    connection: HTTPConnection,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
) -> Raw:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    asked_at = time.time()
    connection.request(method, target, body=body, headers=dict(headers))
    response = connection.getresponse()
    answered_at = time.time()
    content = response.read(LARGEST_BODY)
    if response.length and len(content) < LARGEST_BODY:
        raise IncompleteRead(content)
    return Raw(response.status, response.headers, content, asked_at, answered_at)
