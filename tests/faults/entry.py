"""Defines an entry of the table of faults, and functions that break or repair a site."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.faults.working import Kind, Working

Break = Callable[[Working], object]
Cure = Callable[[Working, str], object]


@dataclass(frozen=True)
class Fault:
    """A row of the table: a fault, how to cause it, and how to repair it.

    `says` maps each tool that reports the fault to the names that it uses; all other tools must
    report nothing. `cure` is called with what the first tool prints. `is_seen` is False if only a
    browser would notice that signing in fails (because of cookies or frames), or if users can
    still sign in.
    """

    what: str
    breaks: Break
    says: dict[str, str]
    cure: Cure
    kind: Kind = "own pages"
    is_seen: bool = True


def keys(**values: Any) -> Any:
    """Return a function that sets keys of METABASE_SSO."""
    return lambda working, *printed: working.configure(**values)


def without(key: str) -> Any:
    return lambda working, *printed: working.leave_out(key)


def django(**values: Any) -> Any:
    return lambda working, *printed: working.set(**values)


def metabase(**values: Any) -> Any:
    return lambda working, *printed: working.metabase.change(**values)


def template(text: str) -> Any:
    return lambda working, *printed: setattr(working, "template", text)


def steps(*each: Any) -> Any:
    def take(working: Working, *printed: str) -> None:
        for step in each:
            step(working, *printed)

    return take


def paste(working: Working, printed: str) -> None:
    """Apply the printed advice literally: `Write "KEY": value` and `Set NAME = value`."""
    for key, value in re.findall(r'"([A-Z_]+)": ("[^"]*"|True|False|\{\})', printed):
        working.configure(**{key: ast.literal_eval(value)})
    for name, value in re.findall(r'([A-Z_]+) = ("[^"]*"|True|False)', printed):
        working.set(**{name: ast.literal_eval(value)})


def paste_uri(working: Working, printed: str) -> None:
    """Set the Identity Provider URI to the printed URL."""
    [address] = re.findall(r"https?://[\w.:/-]+[\w/]", printed)
    working.metabase.change(jwt_identity_provider_uri=address)
