"""Removes tokens from the log and from pages."""

from __future__ import annotations

import logging
import re

PARAMETER = re.compile(r"(jwt=)[^&\s\"']*", re.IGNORECASE)
# The three parts of a token anywhere, because the name of the parameter may be percent-encoded.
TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+(\.[\w-]*)?")


def hide_tokens(text: str) -> str:
    """Return the text with `[hidden]` in place of each token."""
    return TOKEN.sub("[hidden]", PARAMETER.sub(r"\1[hidden]", text))


class HideTokens(logging.Filter):
    """Hides the tokens in log records: an access log contains whole request lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = hide_tokens(record.getMessage())
        record.args = ()
        return True
