"""The Metabase instance over HTTP, and what it answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from django_metabase_sso.doctor import network
from django_metabase_sso.doctor.findings import Finding, Problem
from django_metabase_sso.error_texts import ErrorText, lookup
from django_metabase_sso.instance import InstanceURL

TOKEN = re.compile(r"eyJ[\w-]*\.?[\w-]*\.?[\w-]*")
ORIGIN = re.compile(r"https?://[^/?#]+", re.IGNORECASE)
LONGEST_QUOTE = 200  # characters of what somebody else wrote
SDK = "embedding-sdk-react"
COMMON = {"Accept": "application/json", "User-Agent": "django-metabase-sso-doctor"}


@dataclass(frozen=True)
class Answer:
    """An answer, as the steps read it."""

    raw: network.Raw

    @property
    def status(self) -> int:
        return self.raw.status

    def header(self, name: str) -> str:
        """Return a header, "" when there is none."""
        return str(self.raw.headers.get(name, ""))

    def json(self) -> dict[str, Any]:
        """Return the JSON object in the body, an empty one when it is something else."""
        try:
            found = json.loads(self.raw.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def texts(self) -> list[str]:
        """Return where Metabase's error text may stand; nothing for a page."""
        found = self.json()
        texts = [found.get(key) for key in ("message", "error", "cause", "status")]
        if not found and "html" not in self.header("Content-Type"):
            texts = [self.raw.body.decode(errors="replace").strip().strip('"')]
        return [text for text in texts if isinstance(text, str) and text]

    def known(self) -> ErrorText | None:
        """Return the row for Metabase's error text."""
        return next(filter(None, map(lookup, self.texts())), None)


class Remote:
    """The instance and nothing else: it takes paths, so a token can go nowhere else."""

    def __init__(self, instance: InstanceURL, timeout: float) -> None:
        self.instance = instance
        self.timeout = timeout

    def get(self, path: str, **headers: str) -> Answer:
        """Return the answer to a GET; Problem for network errors and for a redirect."""
        return self.ask("GET", path, headers)

    def post(self, path: str, data: dict[str, str]) -> Answer:
        """Return the answer to a POST of JSON; Problem for network errors and a redirect."""
        body = json.dumps(data).encode()
        return self.ask("POST", path, {"Content-Type": "application/json"}, body)

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes | None = None,
        *,
        may_redirect: bool = False,
    ) -> Answer:
        """Return the answer to any request. `headers` have underscores or hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{self.instance}{path}"
        answer = Answer(network.send(method, url, {**COMMON, **named}, body, self.timeout))
        if 300 <= answer.status < 400 and not may_redirect:
            raise _redirected(self.instance, answer)
        return answer


def fetch(url: str, timeout: float) -> Answer:
    """Return what any address answers to somebody without a cookie and a token."""
    return Answer(network.send("GET", url, COMMON, None, timeout))


def quoted(text: object) -> str:
    """Return what somebody else wrote, fit for a terminal, without anything like a token."""
    plain = "".join(char if char.isprintable() else " " for char in str(text))
    return TOKEN.sub("[hidden]", plain)[:LONGEST_QUOTE]


def refusal(code: str, answer: Answer) -> Finding:
    """Return the fault for an answer that is not the one that was hoped for."""
    row = answer.known()
    if row:
        return Finding("fault", code, f"Metabase says: {row.text}", row.cause, row.cure)
    said = quoted(": ".join(["", *answer.texts()[:1]]))
    return Finding(
        "fault",
        code,
        f"Metabase answers with status {answer.status}{said}",
        "This is none of the answers that are known of Metabase; something in front of it may"
        " have given it.",
        "Look into Metabase's log (Admin > Tools > Logs), and at the proxies in front of it.",
    )


def _redirected(instance: InstanceURL, answer: Answer) -> Problem:
    # The origin alone: the rest could repeat what was sent.
    found = ORIGIN.match(answer.header("Location"))
    where = found[0].lower() if found else "another path of its own"
    if where != instance.origin and where == instance.origin.replace("http:", "https:", 1):
        cure = f'Write "INSTANCE_URL": "https{str(instance).removeprefix("http")}".'
    else:
        cure = (
            "Set METABASE_SSO['INSTANCE_URL'] to the address at which Metabase itself answers;"
            " let Django past a login page in front of it."
        )
    return Problem(
        Finding(
            "fault",
            "redirect",
            f"{instance.origin} redirects to {quoted(where)}.",
            "A redirect is not followed: it would carry tokens to another address.",
            cure,
        )
    )
