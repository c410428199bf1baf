"""Turns that readers have to read twice, and what to write instead (CONTRIBUTING.md)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.helpers.markdown import PAGES, Page
from tests.helpers.paths import ROOT

INSTEAD = {
    r"(?<!there )\bis no (?!longer\b)[a-z]+": "is not a ...",
    r", too[.;:)]": "also",
    r"\banew\b": "again",
    r"\bgoes along\b": "is sent",
    r"\bfor ever\b": "permanently",
    r"\bwhoever\b": "users who",
    r"\ba text\b": "a string",
}
IN_PAGES = {**INSTEAD, r"\bours?\b(?!-)": "this package"}
# CONTRIBUTING.md names one of the turns.
READ = [page for page in PAGES if page.name != "CONTRIBUTING.md"]
FOLDERS = ("django_metabase_sso", "example_project", "docs", "tests", "release")
FILES = [
    path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".css", ".html", ".js", ".py", ".txt"}
    and "node_modules" not in path.parts
    and path != Path(__file__)
]


def turns(text: str, turns: dict[str, str]) -> list[str]:
    """Return each turn that the text has, with what to write; lines may break anywhere."""
    words = re.sub(r"\s*\n\s*(?:#|//|\*)?\s*", " ", text)
    return [
        f"{found[0]!r}: write {better!r}"
        for turn, better in turns.items()
        for found in re.finditer(turn, words, re.IGNORECASE)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sources(path: Path) -> None:
    assert turns(path.read_text(), INSTEAD) == []


@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_pages(page: Page) -> None:
    prose = re.sub(r"^```.*?^```$", "", page.text, flags=re.MULTILINE | re.DOTALL)
    assert turns(prose, IN_PAGES) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A link is no\n  secret", "is no secret"),
        ("There is no account, and it is no longer used. Is Norway for every team?", ""),
        ("# It works, too.\n# It lasts for\n# ever", ", too. for ever"),
    ],
)
def test_what_is_found(text: str, found: str) -> None:
    assert " ".join(turn.split("'")[1] for turn in turns(text, INSTEAD)) == found
