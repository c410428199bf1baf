"""`make fuzz`: runs every property for its share of FUZZ_MINUTES, and prints what was found."""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager
from time import monotonic
from types import ModuleType
from typing import Any, NamedTuple

import django
from hypothesis import settings

MODULES = ["test_return_to", "test_requests", "test_claims", "test_embeds"]


class Outcome(NamedTuple):
    """What came of one property."""

    examples: int
    failure: str  # Hypothesis' own words, "" for none


def properties(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield the name and the function of each property of a module."""
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if name.startswith("test_") and hasattr(function, "hypothesis"):
            yield name, function


def run(prop: Any, seconds: float) -> Outcome:
    """Run batches of a property, one at least, until the seconds are over or one fails."""
    examples = 0
    inner = prop.hypothesis.inner_test

    def counted(*args: Any, **kwargs: Any) -> None:
        nonlocal examples
        examples += 1
        inner(*args, **kwargs)

    prop.hypothesis.inner_test = counted
    end = monotonic() + seconds
    try:
        prop()
        while monotonic() < end:
            prop()
    except Exception:  # noqa: BLE001 - a failure is what we look for
        return Outcome(examples, traceback.format_exc())
    finally:
        prop.hypothesis.inner_test = inner
    return Outcome(examples, "")


def run_modules(modules: list[ModuleType], seconds: float) -> int:
    """Print a table with a row for each property, then what failed; return how many did."""
    chosen = [(module, *found) for module in modules for found in properties(module)]
    failures = []
    print("| property | examples | failures |\n|---|---:|---:|")
    for module, name, prop in chosen:
        site: AbstractContextManager[Any] = module.SITE
        with site:
            outcome = run(prop, seconds / len(chosen))
        print(f"| `{name}` | {outcome.examples:,} | {int(bool(outcome.failure))} |", flush=True)
        failures += [outcome.failure] * bool(outcome.failure)
    print("", *failures, sep="\n")
    return len(failures)


def main() -> int:
    """Run all properties for FUZZ_MINUTES together; return how many failed."""
    minutes = float(os.environ.get("FUZZ_MINUTES", "30"))
    profile = settings.get_current_profile_name()
    print(f"{minutes:g} minutes, profile {profile!r}, Python {sys.version.split()[0]}\n")
    modules = [importlib.import_module(f"tests.properties.{name}") for name in MODULES]
    return run_modules(modules, minutes * 60)


if __name__ == "__main__":  # pragma: no cover - the environment of `make fuzz`
    django.setup()
    logging.disable()  # thousands of refusals
    sys.exit(bool(main()))
