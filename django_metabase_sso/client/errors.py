"""What a call to Metabase raises. None of these holds a token, a session or a request."""

from __future__ import annotations

from django_metabase_sso.exceptions import MetabaseSSOError
from django_metabase_sso.troubleshooting import lookup


class MetabaseError(MetabaseSSOError):
    """Base of the two below."""


class MetabaseUnavailable(MetabaseError):
    """Metabase gave no answer that can be used: try again later, or look at the instance.

    `status` is the HTTP status where there was one, else None.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return self.message


class MetabaseRefused(MetabaseError):
    """Metabase said no, with a 4xx `status` and its own `text`.

    `cause` and `cure` come from the table of Metabase's error texts: "" for a text that is not
    in it. `call` is the method and the path, without the query.
    """

    def __init__(self, call: str, status: int, text: str, cause: str = "", cure: str = "") -> None:
        known = lookup(text)
        if known is not None:
            _, cause, cure = known
        super().__init__(call, status, text, cause, cure)
        self.call = call
        self.status = status
        self.text = text
        self.cause = cause
        self.cure = cure

    def __str__(self) -> str:
        sentence = f"Metabase refused {self.call} with {self.status}"
        said = f"{sentence}: {self.text}" if self.text else f"{sentence}."
        return " ".join(filter(None, [said, self.cause, self.cure]))
