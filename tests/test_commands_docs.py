"""docs/commands.md, held against the commands."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.commands import options
from tests.helpers.markdown import rows

DOCS = (Path(__file__).parent.parent / "docs/commands.md").read_text()


def test_options() -> None:
    documented = {
        name: [
            row[0].strip("`")
            for row in rows(DOCS.partition(f"## `{name}`")[2], "| option | meaning |")
        ]
        for name in options()
    }
    assert documented == options()
    assert {"doctor", "explain", "setup", "sync", "end-sessions"} == set(documented)
