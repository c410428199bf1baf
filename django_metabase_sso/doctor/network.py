"""Requests: no proxy, no cookie, no redirect, an end to waiting, a sentence for each error.

Built on `http.client`, which does none of these by itself, so that nothing has to be switched off.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead
from typing import NamedTuple
from urllib.parse import urlsplit

from django_metabase_sso.conf.addresses import InstanceURL
from django_metabase_sso.doctor.answers import Answer
from django_metabase_sso.doctor.findings import Finding, Problem
from django_metabase_sso.troubleshooting import quoted

SDK = "embedding-sdk-react"
COMMON = {"Accept": "application/json", "User-Agent": "django-metabase-sso-doctor"}
ORIGIN = re.compile(r"https?://[^/?#]+", re.IGNORECASE)


class Failure(NamedTuple):
    """What is said for an exception; {host} stands in the cause."""

    kind: type[Exception]
    code: str
    cause: str
    cure: str


# The first that fits: later ones are the base classes of earlier ones.
FAILURES = (
    Failure(
        socket.gaierror,
        "dns",
        "The name {host} has no address here (DNS).",
        "Correct the host name, or make it known to the machine that runs Django.",
    ),
    Failure(UnicodeError, "dns", "{host} can be no host name (DNS).", "Correct the host name."),
    Failure(
        ConnectionRefusedError,
        "refused",
        "{host} is there, but nothing listens on that port (connection refused).",
        "Start it, or correct the port; in a container, localhost is the container itself.",
    ),
    Failure(
        ssl.SSLCertVerificationError,
        "certificate",
        "The certificate of {host} is not trusted here (TLS): expired, self-signed, of another"
        " name or of an unknown authority.",
        "Renew the certificate; for an authority of your own, set the environment variable"
        " SSL_CERT_FILE to its certificate.",
    ),
    Failure(
        ssl.SSLError,
        "tls",
        "{host} does not speak TLS on that port, or only versions that are refused here.",
        "Correct the scheme or the port: https usually is on 443.",
    ),
    Failure(
        TimeoutError,
        "timeout",
        "{host} did not answer in time.",
        "Look for a firewall between the two, or for an overloaded server; --timeout waits"
        " longer. The doctor uses no proxy.",
    ),
    Failure(
        ConnectionError,
        "closed",
        "{host} closed the connection without an answer.",
        "Look into the log of the server there; http sent to an https port ends like this, too.",
    ),
    Failure(
        IncompleteRead,
        "half",
        "{host} closed the connection in the middle of its answer.",
        "Look into the log of the server there, and of the proxies before it.",
    ),
    Failure(
        HTTPException,
        "not-http",
        "What {host} answered is not HTTP.",
        "Correct the port: something else listens there.",
    ),
    Failure(
        OSError,
        "network",
        "{host} cannot be reached from here.",
        "Look at the network of the machine that runs Django: routes, firewall, IPv6.",
    ),
)


@dataclass(frozen=True)
class Remote:
    """The instance and nothing else: it takes paths, so a token can go nowhere else."""

    instance: InstanceURL
    timeout: float

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        may_redirect: bool = False,
    ) -> Answer:
        """Return the answer to a request; Problem for network errors and for a redirect."""
        sent = {**COMMON, **(headers or {})}
        answer = _send(method, f"{self.instance}{path}", sent, body, self.timeout)
        if 300 <= answer.status < 400 and not may_redirect:
            raise Problem(_redirected(self.instance, answer))
        return answer


def fetch(url: str, timeout: float) -> Answer:
    """Return what any address answers to somebody without a cookie and a token."""
    return _send("GET", url, COMMON, None, timeout)


def _send(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float
) -> Answer:
    """Return the answer to one request; Problem when there is none after `timeout` seconds."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=timeout)
    if parts.scheme == "https":  # a project may have loosened the context that is the default
        context = ssl.create_default_context()
        connection = HTTPSConnection(parts.netloc, timeout=timeout, context=context)
    target = parts._replace(scheme="", netloc="", fragment="").geturl()
    done: list[Answer | Exception] = []

    def work() -> None:
        try:
            asked_at = time.time()
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            at = (asked_at + time.time()) / 2
            done.append(Answer(response.status, response.headers, response.read(), at))
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
    if isinstance(result, Answer):
        return result
    raise Problem(_unreachable(result, parts.netloc))


def _unreachable(error: Exception, host: str) -> Finding:
    row = next(row for row in FAILURES if isinstance(error, row.kind))
    title = f"No answer from {host}."
    return Finding("fault", f"network-{row.code}", title, row.cause.format(host=host), row.cure)


def _redirected(instance: InstanceURL, answer: Answer) -> Finding:
    # The origin alone: the rest could repeat what was sent.
    found = ORIGIN.match(answer.header("Location"))
    where = found[0].lower() if found else "another path of its own"
    if where == f"https{instance.origin.removeprefix('http')}":
        cure = f'Write "INSTANCE_URL": "https{str(instance).removeprefix("http")}".'
    else:
        cure = (
            "Set METABASE_SSO['INSTANCE_URL'] to the address at which Metabase itself answers;"
            " let Django past a login page in front of it."
        )
    title = f"{instance.origin} redirects to {quoted(where)}."
    cause = "A redirect is not followed: it would carry tokens to another address."
    return Finding("fault", "redirect", title, cause, cure)
