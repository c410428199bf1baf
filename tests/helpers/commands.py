"""Runs the management commands, and reads their options and output."""

from __future__ import annotations

import argparse
from io import StringIO
from typing import Any

from django.core.management import call_command

from django_metabase_sso.management.commands.metabase_sso import Command
from tests.helpers.redaction import assert_clean


def options() -> dict[str, list[str]]:
    """Return the options of each subcommand, from `--help`."""
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


def run(*arguments: str) -> tuple[int, str, str]:
    """Run the command; return its status, stdout and stderr.

    Assert that neither of them contains a secret.
    """
    out, err = StringIO(), StringIO()
    exit_code = 0
    try:
        call_command("metabase_sso", *arguments, stdout=out, stderr=err, no_color=True)
    except SystemExit as ended:
        exit_code = int(str(ended.code))
    assert_clean(out.getvalue() + err.getvalue())
    return exit_code, out.getvalue(), err.getvalue()
