"""What an entry of the table is, and ways to break and to mend a site."""

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
    """One row. `says` has the names that each tool gives it; all other tools have to be silent.

    `cure` gets what the first tool prints. `is_seen` is False where only a browser would notice
    that signing in fails (cookies, frames), or where it goes on working.
    """

    what: str
    breaks: Break
    says: dict[str, str]
    cure: Cure
    kind: Kind = "own pages"
    is_seen: bool = True


def keys(**values: Any) -> Any:
    """Set keys of METABASE_SSO, to break or to mend."""
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
    """Do what is printed: `Write "KEY": value`, `Set NAME = value`, as it stands there."""
    for key, value in re.findall(r'"([A-Z_]+)": ("[^"]*"|True|False|\{\})', printed):
        working.configure(**{key: ast.literal_eval(value)})
    for name, value in re.findall(r'([A-Z_]+) = ("[^"]*"|True|False)', printed):
        working.set(**{name: ast.literal_eval(value)})


def paste_uri(working: Working, printed: str) -> None:
    """Set the Identity Provider URI to the address that is printed."""
    [address] = re.findall(r"https?://[\w.:/-]+[\w/]", printed)
    working.metabase.change(jwt_identity_provider_uri=address)
