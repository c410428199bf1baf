"""The script behind `make fuzz`, with properties of its own."""

from __future__ import annotations

import importlib
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.markdown import page
from tests.properties import fuzz

WHAT_HOLDS, FIGURES = page("docs/development/fuzzing.md").tables


@given(st.integers())
def test_that_holds(number: int) -> None:
    assert number == number  # noqa: PLR0124


@given(st.integers())
def fails(number: int) -> None:
    assert number < 3


def module(**functions: object) -> ModuleType:
    """Return a module of properties."""
    made = ModuleType("made")
    made.__dict__.update(functions, SITE=nullcontext())
    return made


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    made = module(test_fails=fails, test_that_holds=test_that_holds, test_other=module)
    assert fuzz.run_modules([made], seconds=0) == 1
    printed = capsys.readouterr().out
    assert "| `test_that_holds` | 50 | 0 |" in printed
    assert "| `test_fails` | " in printed
    assert "number=3" in printed
    assert "test_other" not in printed


def test_batches_until_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0, 1, 2, 3])
    monkeypatch.setattr(fuzz, "monotonic", lambda: next(clock))
    assert fuzz.run(test_that_holds, seconds=3) == (150, "")


def test_the_time_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FUZZ_MINUTES", "0.5")
    monkeypatch.setattr(fuzz, "MODULES", [])
    assert fuzz.main() == 0
    assert capsys.readouterr().out.startswith("0.5 minutes, profile '")


def test_the_page_names_every_property() -> None:
    documented = [row[0].strip("`") for row in WHAT_HOLDS]
    figures = [row[0].strip("`") for row in FIGURES]
    names = [name for made in modules() for name, _ in fuzz.properties(made)]
    assert sorted(documented) == sorted(figures) == sorted(names)


def modules() -> list[ModuleType]:
    return [importlib.import_module(f"tests.properties.{name}") for name in fuzz.MODULES]


def test_every_module_is_run() -> None:
    files = {path.stem for path in Path(__file__).parent.glob("test_*.py")}
    assert files - {"test_fuzz"} == set(fuzz.MODULES)
