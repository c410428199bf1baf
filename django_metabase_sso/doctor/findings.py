"""What the doctor says, and the steps that say it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

Level = Literal["ok", "warning", "fault", "skipped"]
T = TypeVar("T")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `code` is for programs, the rest for people.

    A warning and a fault have a `cause` and a `cure`; what was skipped has a cause.
    """

    level: Level
    code: str
    title: str
    cause: str = ""
    cure: str = ""


Step: TypeAlias = Generator[Finding, None, T]
"""Yields findings, and returns what later steps build on: None when it was not found."""


class Problem(Exception):
    """A step cannot go on; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding


def skipped(code: str, what: str, why: str) -> Finding:
    """Return the line for a step that needs something that an earlier one did not find."""
    return Finding("skipped", code, f"Not looked at: {what}.", why)


def attempt(code: str, step: Step[T]) -> Step[T | None]:
    """Run a step; whatever it raises becomes a finding, so that the others still run."""
    try:
        return (yield from step)
    except Problem as problem:
        yield problem.finding
    except Exception as error:  # noqa: BLE001
        name = type(error).__name__  # its text could quote a secret
        cause = f"The project's settings, or code of the project, raised {name}."
        cure = "Mend the faults above first; then run `manage.py check` and the tests."
        yield Finding("fault", code, f"This step broke off: {code}.", cause, cure)
    return None
