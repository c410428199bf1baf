"""Where things are in tests/: what two test modules need is in helpers/ or servers/."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.helpers.paths import ROOT

TESTS = ROOT / "tests"
FILES = sorted(TESTS.rglob("*.py"))
PACKAGE = ROOT / "django_metabase_sso"
# Beside those of modules, by folder: what holds for the whole of it.
TOPICS = {
    "": {"extras", "layout", "logs", "redacted", "translations"},
    "administration": {"accounts", "commands", "end_access"},
    "client": {"ends_access", "init", "page", "redacted", "servers"},
    "contrib": {"impersonation", "otp"},
    "doctor": {"command"},
    "test": {"functions"},
}
OWN = re.compile(r"tests\.(?:\w+\.)*(?:test_\w+|conftest)\b")


def imported(file: Path) -> set[str]:
    """Return the dotted names that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_no_test_module_and_no_conftest_is_imported() -> None:
    found = {str(file): [name for name in imported(file) if OWN.match(name)] for file in FILES}
    assert {file: names for file, names in found.items() if names} == {}


def test_conftest_files_have_fixtures_and_hooks_only() -> None:
    for file in [file for file in FILES if file.name == "conftest.py"]:
        for node in ast.parse(file.read_text()).body:
            assert not isinstance(node, ast.ClassDef), file
            if isinstance(node, ast.FunctionDef):
                marks = " ".join(map(ast.unparse, node.decorator_list))
                assert "fixture" in marks or node.name.startswith("pytest_"), (file, node.name)


def test_test_modules_are_named_after_modules() -> None:
    """A longer name says what of a module it tests: `test_views_guests.py`."""
    for file in FILES:
        folder = file.relative_to(TESTS).parent
        if not file.name.startswith("test_") or not (PACKAGE / folder).is_dir():
            continue
        modules = {path.stem for path in (PACKAGE / folder).iterdir()}
        known = modules | TOPICS.get(folder.as_posix().removeprefix("."), set())
        name = file.stem.removeprefix("test_")
        assert any(name == one or name.startswith(f"{one}_") for one in known), file
