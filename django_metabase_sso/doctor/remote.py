"""Sends the doctor's requests, and explains their failures.

They have no cookies and follow no redirects. A proxy is used only with --proxy. Time and size are
limited.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import Message
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, Final, NamedTuple
from urllib.error import URLError
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request

from django_metabase_sso.conf.addresses import LOCALE_HEADER, InstanceURL
from django_metabase_sso.doctor.proxies import Proxy
from django_metabase_sso.doctor.report import Problem, Report
from django_metabase_sso.tokens import Token
from django_metabase_sso.troubleshooting import ErrorText, Where, by_status, lookup, parsed, quoted

COMMON: Final = {"Accept": "application/json", "User-Agent": "django-metabase-sso-doctor"}
ENGLISH: Final = {LOCALE_HEADER: "en"}
ORIGIN: Final = re.compile(r"https?://[^/?#]+", re.IGNORECASE)
VERSION: Final = re.compile(r"v[01]\.(\d+)")
LARGEST: Final = 2**22  # bytes that are read of an answer
CHUNK: Final = 2**16


@dataclass(frozen=True)
class Answer:
    """An answer. `at` is this machine's time in the middle of the request (since 1970)."""

    status: int
    headers: Message
    body: bytes
    at: float

    def header(self, name: str) -> str:
        """Return a header, or "" if it is missing."""
        return str(self.headers.get(name, ""))

    def json(self) -> dict[str, Any]:
        """Return the JSON object in the body, or an empty one if it is something else."""
        found = parsed(self.body)
        return found if isinstance(found, dict) else {}

    def text(self) -> str:
        """Return the body if it is a message, or "" for HTML."""
        is_page = "html" in self.header("Content-Type") or self.body.lstrip()[:1] == b"<"
        return "" if is_page else self.body.decode(errors="replace").strip().strip('"')

    def known(self, where: Where = "sign-in") -> ErrorText | None:
        """Return the explanation of Metabase's message, or None if it is unknown."""
        return lookup(self.text(), where)


def quote(report: Report, code: str, row: ErrorText, before: str = "") -> None:
    """Report a known message of Metabase's."""
    title = f"Metabase says: {row.text}"
    report.fault(code, f"{before}{title}", cause=row.cause, cure=row.cure)


def refuse(report: Report, code: str, answer: Answer, where: Where = "sign-in") -> None:
    """Report an unexpected answer, by its message or else by its status."""
    row = answer.known(where)
    said = answer.json().get("message", answer.text())
    title = f"Metabase answers with status {answer.status}: {quoted(said)}".rstrip(": ")
    meaning = by_status(answer.status) if where == "sign-in" else None
    if row and row.status is not None:
        quote(report, code, row)
    elif meaning:
        cause = f"{row.cause} {meaning.cause}" if row else meaning.cause
        report.fault(code, title, cause=cause, cure=meaning.cure)
    elif row:
        report.fault(code, title, cause=row.cause, cure=row.cure)
    else:
        cause = "This answer is unknown. A proxy in front of Metabase may have answered instead."
        cure = "Look at Metabase's log (Admin > Tools > Logs) and at the proxies in front of it."
        report.fault(code, title, cause=cause, cure=cure)


class Failure(NamedTuple):
    """The explanation of an exception. The cause contains {host}."""

    kind: type[Exception]
    code: str
    cause: str
    cure: str


# The first match counts. Later ones are base classes of earlier ones.
FAILURES: Final = (
    Failure(
        socket.gaierror,
        "dns",
        "The name {host} cannot be resolved on this machine (DNS).",
        "Correct the host name, or add it to the DNS of the machine that runs Django.",
    ),
    Failure(
        UnicodeError, "dns", "{host} is not a valid host name (DNS).", "Correct the host name."
    ),
    Failure(
        ConnectionRefusedError,
        "refused",
        "{host} exists, but nothing listens on that port (connection refused).",
        "Start the server there, or correct the port. In a container, localhost is the container"
        " itself.",
    ),
    Failure(
        ssl.SSLCertVerificationError,
        "certificate",
        "The certificate of {host} is not trusted on this machine (TLS): it is expired,"
        " self-signed, issued for another name or by an unknown authority.",
        "Renew the certificate. For an authority of your own, set the environment variable"
        " SSL_CERT_FILE to its certificate.",
    ),
    Failure(
        ssl.SSLError,
        "tls",
        "{host} does not use TLS on that port, or only versions that this machine refuses.",
        "Correct the scheme or the port: https is usually on port 443.",
    ),
    Failure(
        TimeoutError,
        "timeout",
        "{host} did not answer in time.",
        "Check the firewall between the two machines, and the load of the server. To wait longer,"
        " use --timeout. The doctor ignores proxies in the environment; to use one, pass --proxy.",
    ),
    Failure(
        ConnectionError,
        "closed",
        "{host} closed the connection without an answer.",
        "Look at the log of the server there. Another cause is http on a port for https.",
    ),
    Failure(
        IncompleteRead,
        "half",
        "{host} closed the connection in the middle of its answer.",
        "Look at the logs of the server there and of the proxies in front of it.",
    ),
    Failure(
        HTTPException,
        "not-http",
        "The answer of {host} is not HTTP.",
        "Correct the port: another program listens there.",
    ),
    Failure(
        OSError,
        "network",
        "{host} cannot be reached from this machine.",
        "Check the network of the machine that runs Django: routes, firewall, IPv6.",
    ),
)


@dataclass(frozen=True)
class Remote:
    """Sends requests to the instance only: it accepts paths, so tokens cannot go elsewhere.

    `version` is the major version (56 for v1.56.3), or None if it is unknown.
    """

    instance: InstanceURL
    timeout: float
    proxy: Proxy | None = None
    version: int | None = None

    def of_version(self, tag: str) -> Remote:
        """Return a copy with the version in a tag like v1.56.3."""
        found = VERSION.match(tag)
        return replace(self, version=int(found[1]) if found else None)

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        token: Token | None = None,
        *,
        may_redirect: bool = False,
    ) -> Answer:
        """Send a request. Raises Problem for network errors and redirects."""
        sent, body = {**COMMON, **ENGLISH, **(headers or {})}, None
        if token is not None:
            sent["Content-Type"], body = "application/json", json.dumps({"jwt": token}).encode()
        request = Request(f"{self.instance}{path}", body, sent, method=method)  # noqa: S310
        answer = _send(request, self.timeout, self.proxy)
        if 300 <= answer.status < 400 and not may_redirect:
            raise _redirected(self.instance, answer)
        return answer


def fetch(url: str, timeout: float) -> Answer:
    """Request an http(s) address without a cookie and a token."""
    return _send(Request(url, headers=COMMON), timeout)  # noqa: S310


def _send(request: Request, timeout: float, proxy: Proxy | None = None) -> Answer:
    """Send one request. Raises Problem without an answer within `timeout` seconds."""
    host, opener = request.host, _opener(request.full_url)
    if proxy is not None:
        request.set_proxy(proxy.host, "http")
        for name, value in proxy.headers.items():
            request.add_unredirected_header(name, value)  # with https, only the proxy gets it
    deadline = time.monotonic() + timeout
    done: list[Answer | Exception] = []

    def work() -> None:
        try:
            asked_at = time.time()
            with opener.open(request, timeout=timeout) as response:
                at = (asked_at + time.time()) / 2
                read = _read(response, deadline)
                done.append(Answer(response.status, response.headers, read, at))
        except URLError as error:
            done.append(error.reason if isinstance(error.reason, Exception) else error)
        except (OSError, HTTPException, UnicodeError) as error:
            done.append(error)

    # The time-out of a socket does not limit DNS, nor an answer that arrives byte by byte.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(timeout)
    result = done[0] if done else TimeoutError()
    if isinstance(result, Answer):
        return result
    raise _failure(result, host, proxy)


def _opener(url: str) -> OpenerDirector:
    """Return an opener without handlers for redirects and for proxies in the environment."""
    opener = OpenerDirector()
    opener.add_handler(HTTPHandler())
    if url.startswith("https:"):  # reading the certificates takes long
        opener.add_handler(HTTPSHandler(context=ssl.create_default_context()))
    return opener


def _failure(error: Exception, host: str, proxy: Proxy | None) -> Problem:
    row = next(row for row in FAILURES if isinstance(error, row.kind))
    title, cause, cure = f"No answer from {host}.", row.cause.format(host=host), row.cure
    if proxy is not None:
        title = f"No answer from {host} through the proxy {proxy.host}."
        if row.code in ("dns", "refused"):
            cause = row.cause.format(host=proxy.host)
        elif "Tunnel connection failed" in str(error):  # contains the proxy's status and message
            cause, cure = f"The proxy refuses: {quoted(str(error))}.", "Correct --proxy."
    return Problem(f"network-{row.code}", title, cause=cause, cure=cure)


def _read(response: HTTPResponse, deadline: float) -> bytes:
    body = b""
    while len(body) < LARGEST and (chunk := response.read1(CHUNK)):
        body += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
    if len(body) < LARGEST and response.length:
        raise IncompleteRead(b"")
    return body


def _redirected(instance: InstanceURL, answer: Answer) -> Problem:
    # Only the origin is shown, because the rest may contain the token.
    found = ORIGIN.match(answer.header("Location"))
    where = found[0].lower() if found else "another path of its own"
    if where == f"https{instance.origin.removeprefix('http')}":
        cure = f'Write "INSTANCE_URL": "https{str(instance).removeprefix("http")}".'
    else:
        cure = (
            "Set METABASE_SSO['INSTANCE_URL'] to the address at which Metabase itself answers."
            " If a login page is in front of it, let Django's requests pass."
        )
    title = f"{instance.origin} redirects to {quoted(where)}."
    cause = "The doctor does not follow redirects: tokens would be sent to another address."
    return Problem("redirect", title, cause=cause, cure=cure)
