"""docs/commands.md, held against the commands."""

from __future__ import annotations

from pathlib import Path

from django_metabase_sso.doctor.report import SUBJECTS
from tests.helpers.commands import options
from tests.helpers.markdown import rows

DOCS = (Path(__file__).parent.parent / "docs/commands.md").read_text()


def test_codes() -> None:
    documented = [[code.strip("`"), about] for code, about in rows(DOCS, "| code | about |")]
    assert documented == [list(entry) for entry in SUBJECTS.items()]


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
