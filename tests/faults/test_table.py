"""Each fault of docs/common-faults.md: which tool reports it first, and whether its advice works.

`make faults` writes the tables of that page again.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from types import CoroutineType

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.faults.entry import Fault
from tests.faults.metabase import METABASE
from tests.faults.pages import PAGES
from tests.faults.people import PEOPLE
from tests.faults.project import PROJECT
from tests.faults.provider import PROVIDER
from tests.faults.settings import SETTINGS, groups_later
from tests.faults.tools import ANSWER, CHECK, DEPLOY, DOCTOR, EXPLAIN, TOOLS, Everything, ask_all
from tests.faults.working import Kind, Working
from tests.helpers.configure import Configure
from tests.helpers.markdown import page as documentation
from tests.helpers.paths import ROOT
from tests.servers.site import AUTHORITY, Site, serving
from tests.servers.standin import Metabase

HEAD = "| fault | first reported by | what to do, as printed |\n|---|---|---|\n"
NAME = "docs/common-faults.md"
ASYNC = "a callable is async"
GROUPS = {
    "METABASE_SSO": SETTINGS,
    "The Django project, and what is in front of it": PROJECT,
    "The JWT Identity Provider URI": PROVIDER,
    "Metabase": METABASE,
    "Users": PEOPLE,
    "Pages": PAGES,
}
FAULTS = [fault for faults in GROUPS.values() for fault in faults]
DOCUMENTED = {row[0]: row for rows in documentation(NAME).tables for row in rows}
WRITES = "FAULTS_PAGE" in os.environ
found_rows: dict[str, str] = {}


@pytest.fixture(scope="module", autouse=True)
def _written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Write the page with the rows that the tests found, to FAULTS_PAGE or a temporary file."""
    yield
    text = (ROOT / NAME).read_text()
    for heading, faults in GROUPS.items():
        text = with_rows(text, heading, [found_rows.get(fault.what, "") for fault in faults])
    target = os.environ.get("FAULTS_PAGE", tmp_path_factory.mktemp("page") / "page.md")
    Path(target).write_text(text)


def with_rows(text: str, heading: str, rows: list[str]) -> str:
    """Return the Markdown of a page with these rows in the table below the heading."""
    before, start, after = text.partition(f"## {heading}\n\n{HEAD}")
    assert start
    rest = after[len("".join(takewhile(is_row, after.splitlines(keepends=True)))) :]
    return before + start + "".join(f"{row}\n" for row in rows if row) + rest


def is_row(line: str) -> bool:
    return line.startswith("|")


def test_the_page_has_each_fault_once() -> None:
    expected = [fault.what for fault in FAULTS]
    assert len(expected) == len(set(expected)) >= 40
    assert WRITES or [*DOCUMENTED] == expected


@pytest.fixture
def working(
    request: pytest.FixtureRequest,
    standin_url: str,
    settings: Settings,
    configure: Configure,
    ada: User,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Working]:
    kind: Kind = request.param
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with serving(Site(scheme="https" if kind == "proxy" else "http")) as site:
        found = Working(settings, configure, Metabase(standin_url), site, ada, kind, tmp_path)
        with found.until_the_end:
            yield found


@pytest.mark.parametrize("working", ["own pages", "front end", "proxy"], indirect=True)
def test_what_works(working: Working) -> None:
    assert names(ask_all(working)) == {}
    assert working.sign_in() == "signed in"


@pytest.mark.filterwarnings("ignore:coroutine 'groups_later' was never awaited")
@pytest.mark.parametrize(
    ("fault", "working"),
    [pytest.param(fault, fault.kind, id=fault.what) for fault in FAULTS],
    indirect=["working"],
)
def test_fault(fault: Fault, working: Working) -> None:
    fault.breaks(working)
    said = ask_all(working)
    assert_named(fault, said)
    outcome = working.sign_in()
    assert (outcome != "signed in") == fault.is_seen, outcome
    first = next(tool for tool in TOOLS if said[tool])
    [cure] = {entry.cure for entry in said[first]}
    fault.cure(working, cure)
    assert names(ask_all(working)) == {}
    assert working.sign_in() == "signed in"
    row = [fault.what, f"{first}: `{said[first][0].name}`", public(working, cure)]
    found_rows[fault.what] = f"| {' | '.join(row)} |"
    assert WRITES or row == DOCUMENTED[fault.what]
    if fault.what == ASYNC:
        close_coroutines()


def close_coroutines() -> None:
    """Close coroutines that log records still hold: their warning would fail a later test."""
    for found in gc.get_objects():
        # isinstance() would set up lazy objects of Django, such as the default admin site.
        if type(found) is CoroutineType and found.__name__ == groups_later.__name__:
            found.close()


def assert_named(fault: Fault, said: Everything) -> None:
    """Assert that the tools report what the entry says, and nothing else."""
    for tool in TOOLS[: TOOLS.index(ANSWER)]:  # a log may contain details as well as the refusal
        assert len(said[tool]) == len({entry.name for entry in said[tool]}), said[tool]
    found, expected = names(said), {tool: {text} for tool, text in fault.says.items()}
    checked = expected.get(CHECK, set()) | expected.get(DEPLOY, set())
    expected.setdefault(DOCTOR, checked)
    for tool in TOOLS:
        if tool not in expected:  # tools that fail as a result, with the same message
            also = checked | expected.get(EXPLAIN, set())
            assert found.pop(tool, set()) <= also, (tool, said[tool])
    assert found == {tool: given for tool, given in expected.items() if given}, said


def names(said: Everything) -> dict[str, set[str]]:
    return {tool: {entry.name for entry in found} for tool, found in said.items() if found}


def public(working: Working, text: str) -> str:
    """Return the text of a table cell, with the example addresses of the documentation."""
    text = text.replace(f"localhost:{working.site.port}", "localhost:8000")
    text = text.replace(working.metabase.url, "http://localhost:3000")
    text = re.sub(r"\(/.*\.py, line \d+\)", "(/site/analytics/metabase.py, line 7)", text)
    text = re.sub(r"for user \d+", "for user 7", text)
    return " ".join(text.split()).replace("*", r"\*").replace("<", "&lt;")
