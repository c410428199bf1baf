"""The documentation, read with a Markdown parser: it finds things by what is in them.

So a block, a table or a paragraph may move to another page, and its lines may be broken anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.helpers.paths import ROOT

PARSER = MarkdownIt("commonmark").enable("table")
Row = list[str]  # the source of each cell
Found = TypeVar("Found")


class Page:
    """A page: its code blocks, tables, links and so on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.relative_to(ROOT))
        self.text = path.read_text()
        self.tokens = PARSER.parse(self.text)

    @cached_property
    def blocks(self) -> list[tuple[str, str]]:
        """The language and the code of each code block."""
        return [(token.info, token.content) for token in self.tokens if token.type == "fence"]

    @cached_property
    def files(self) -> list[tuple[str, str]]:
        """The code blocks that readers put into a file, after the name in the paragraph before."""
        found = []
        file = None
        for token, inside in zip(self.tokens, [*self.tokens[1:], None], strict=True):
            if token.type == "paragraph_open" and inside is not None:
                file = re.search(r"`(\w[\w/]*\.(?:py|html|ini))`", inside.content)
            elif token.type == "fence" and file is not None:
                found.append((file[1], token.content))
                file = None
        return found

    @cached_property
    def tables_by_heading(self) -> dict[str, list[list[Row]]]:
        """The tables below each heading, as lists of rows without their headers."""
        found: dict[str, list[list[Row]]] = {"": []}
        heading = ""
        for token, inside in zip(self.tokens, self.tokens[1:], strict=False):
            if token.type == "heading_open":
                heading = inside.content
                found.setdefault(heading, [])
            elif token.type == "tbody_open":
                found[heading].append([])
            elif token.type == "tr_open" and inside.type == "td_open":
                found[heading][-1].append([])
            elif token.type == "td_open":
                found[heading][-1][-1].append(inside.content)
        return found

    @property
    def tables(self) -> list[list[Row]]:
        """All tables."""
        return [rows for tables in self.tables_by_heading.values() for rows in tables]

    @cached_property
    def paragraphs(self) -> list[str]:
        """The text of each paragraph and list item, in one line."""
        return [
            " ".join(inside.content.split())
            for token, inside in zip(self.tokens, self.tokens[1:], strict=False)
            if token.type == "paragraph_open"
        ]

    @cached_property
    def anchors(self) -> set[str]:
        """The fragments of links to the headings, as GitHub creates them."""
        headings = [
            inside.content
            for token, inside in zip(self.tokens, self.tokens[1:], strict=False)
            if token.type == "heading_open"
        ]
        return {re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings}

    @cached_property
    def spans(self) -> list[str]:
        """The strings in backticks."""
        return [token.content for token in self._inline() if token.type == "code_inline"]

    @cached_property
    def links(self) -> list[str]:
        """The targets of the links and pictures."""
        found = [token.attrGet("href") or token.attrGet("src") for token in self._inline()]
        return [str(target) for target in found if target]

    def _inline(self) -> Iterator[Token]:
        for token in self.tokens:
            for child in token.children or ():
                yield child
                yield from child.children or ()  # a picture inside a link


TOP = ("README.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md", "benchmarks/README.md")
PAGES = [
    Page(path) for path in [*(ROOT / name for name in TOP), *sorted((ROOT / "docs").rglob("*.md"))]
]


def page(name: str) -> Page:
    """Return a page by its path in the repository."""
    [found] = [page for page in PAGES if page.name == name]
    return found


def blocks(language: str, name: str | None = None) -> list[str]:
    """Return the code blocks in a language, in one page or in all."""
    chosen = PAGES if name is None else [page(name)]
    return [code for one in chosen for found, code in one.blocks if found == language]


def block(language: str, words: str, name: str | None = None) -> str:
    """Return the only code block in a language that has these words, in one page or in all."""
    return _one([code for code in blocks(language, name) if words in code], words)


def table(first: str, *words: str) -> list[Row]:
    """Return the rows of the only table with a row that begins like this and has these words."""
    found = [
        rows
        for page in PAGES
        for rows in page.tables
        if any(
            row[0].startswith(first) and all(word in " | ".join(row) for word in words)
            for row in rows
        )
    ]
    return _one(found, first)


def paragraph(*words: str) -> str:
    """Return the only paragraph outside tables that has all of these words."""
    found = [text for page in PAGES for text in page.paragraphs if all(w in text for w in words)]
    return _one(found, *words)


def names(text: str) -> list[str]:
    """Return the strings in backticks in a cell or a paragraph."""
    return re.findall(r"`([^`]+)`", text)


def _one(found: list[Found], *words: str) -> Found:
    assert len(found) == 1, f"{len(found)} times in the documentation: {words}"
    return found[0]
