"""Runs the doctor, and reads its report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

APP = "https://app.example.com"


@dataclass
class Report:
    """The output and the exit status of the doctor."""

    exit_code: int
    findings: list[dict[str, str]]

    def all(self, code: str) -> list[dict[str, str]]:
        return [finding for finding in self.findings if finding["code"] == code]

    def one(self, code: str) -> dict[str, str]:
        [found] = self.all(code)
        return found

    def level(self, code: str) -> str:
        return self.one(code)["level"]

    def faults(self) -> list[str]:
        return [finding["code"] for finding in self.findings if finding["level"] == "fault"]


Doctor = Callable[..., Report]
