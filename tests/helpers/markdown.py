"""Code blocks and tables of the documentation."""

from __future__ import annotations

import re
import textwrap

from tests.helpers.paths import ROOT

README = (ROOT / "README.md").read_text()


def blocks(language: str, text: str = README) -> list[str]:
    """Return the code blocks in a language, dedented."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", text, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(code) for _, code in found]


def block(language: str, words: str) -> str:
    [found] = [code for code in blocks(language) if words in code]
    return found


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading row."""
    table = text.partition(heading)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]
