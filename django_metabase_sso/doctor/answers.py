"""What somebody answers over HTTP, and what Metabase says in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.message import Message
from typing import Any

from django_metabase_sso.doctor.findings import Finding
from django_metabase_sso.troubleshooting import ErrorText, lookup, quoted


@dataclass(frozen=True)
class Answer:
    """An answer; `at` is our clock in the middle of the request (seconds since 1970)."""

    status: int
    headers: Message
    body: bytes
    at: float

    def header(self, name: str) -> str:
        """Return a header, "" when there is none."""
        return str(self.headers.get(name, ""))

    def text(self) -> str:
        """Return the body, whatever it is."""
        return self.body.decode(errors="replace")

    def json(self) -> dict[str, Any]:
        """Return the JSON object in the body, an empty one when it is something else."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def texts(self) -> list[str]:
        """Return where Metabase's error text may stand; nothing for a page."""
        found = self.json()
        texts = [found.get(key) for key in ("message", "error", "cause", "status")]
        if not found and "html" not in self.header("Content-Type"):
            texts = [self.text().strip().strip('"')]
        return [text for text in texts if isinstance(text, str) and text]

    def known(self) -> ErrorText | None:
        """Return the row for Metabase's error text."""
        return next(filter(None, map(lookup, self.texts())), None)


def refusal(code: str, answer: Answer) -> Finding:
    """Return the fault for an answer that is not the one that was hoped for."""
    row = answer.known()
    if row:
        return Finding("fault", code, f"Metabase says: {row.text}", row.cause, row.cure)
    said = next((f": {quoted(text)}" for text in answer.texts()), "")
    return Finding(
        "fault",
        code,
        f"Metabase answers with status {answer.status}{said}",
        "This is none of the answers that are known of Metabase; something in front of it may"
        " have given it.",
        "Look into Metabase's log (Admin > Tools > Logs), and at the proxies in front of it.",
    )
