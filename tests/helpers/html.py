"""Parses HTML as a browser does."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from django.utils.safestring import SafeString


class Reader(HTMLParser):
    """Collects the elements and the text of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        raise AssertionError


def read(html: str) -> tuple[str, dict[str, str | None]]:
    """Return the name and the attributes of the only element in `html`."""
    assert isinstance(html, SafeString)
    [found] = Reader(html).found
    return found


HOSTILE = [
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    '" onclick="alert(1)',
    "&quot; onclick=&quot;alert(1)",
    "</metabase-dashboard><script>alert(1)</script>",
    "\n><x",
    "`${alert(1)}`",
]


class Scripts(HTMLParser):
    """Collects the attributes and the text of the scripts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "script"
        self.found.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        attributes, text = self.found.pop()
        self.found.append((attributes, text + data))


def scripts(html: str) -> list[tuple[dict[str, str | None], str]]:
    return Scripts(html).found


def config_of(html: str) -> Any:
    """Return the configuration in the HTML that `config_html` returned."""
    return json.loads(scripts(html)[0][0]["data-config"] or "")
