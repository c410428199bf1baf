"""What a browser would see in a piece of HTML."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from django.utils.safestring import SafeString


class Reader(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        raise AssertionError


def read(html: str) -> tuple[str, dict[str, str | None]]:
    """Return the name and the attributes of the one element in `html`."""
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
    """Collects the scripts of a page: their attributes and their text."""

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
    """Return the configuration in what `config_html` returned."""
    return json.loads(scripts(html)[0][0]["data-config"] or "")
