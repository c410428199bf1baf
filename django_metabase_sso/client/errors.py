"""What the client raises besides AccessRefused and InvalidClaim: never with a token in it."""

from __future__ import annotations

from django_metabase_sso.error_texts import lookup
from django_metabase_sso.exceptions import MetabaseSSOError


class MetabaseError(MetabaseSSOError):
    """Base of the two below."""


class MetabaseUnavailable(MetabaseError):
    """Metabase did not answer, or what answered is not Metabase; trying again may help."""


class MetabaseRefused(MetabaseError):
    """Metabase said no: its `status` and `text`; `cause` and `cure` of a text that is known."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text
        row = lookup(text)
        self.cause = row.cause if row else ""
        self.cure = row.cure if row else ""

    def __str__(self) -> str:
        parts = (f"Metabase answered {self.status}: {self.text}", self.cause, self.cure)
        return " ".join(part for part in parts if part)
