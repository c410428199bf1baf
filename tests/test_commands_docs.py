"""docs/commands.md, held against the commands."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django_metabase_sso.management.commands.metabase_sso import Command
from tests.test_docs import rows

DOCS = (Path(__file__).parent.parent / "docs/commands.md").read_text()


def options() -> dict[str, list[str]]:
    """Return what each subcommand takes, as `--help` shows it."""
    parser: Any = Command().create_parser("manage.py", "metabase_sso")
    [subparsers] = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return {
        name: [
            (action.option_strings or [action.dest])[-1]
            for action in subparser._actions
            if action.help != argparse.SUPPRESS and action.dest != "help"
        ]
        for name, subparser in subparsers.choices.items()
    }


def test_options() -> None:
    documented = {
        name: [
            row[0].strip("`")
            for row in rows(DOCS.partition(f"## `{name}`")[2], "| option | meaning |")
        ]
        for name in options()
    }
    assert documented == options()
    assert set(documented) == {"doctor", "explain"}
