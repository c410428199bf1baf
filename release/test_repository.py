"""The workflows, templates and policies agree with the code and tox.ini."""

from __future__ import annotations

import re
import subprocess
from configparser import ConfigParser
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from release.addresses import main, without_address
from release.conftest import ROOT
from tests.helpers.markdown import table

TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
).stdout.splitlines()
YAML = [name for name in TRACKED if name.endswith((".yml", ".yaml"))]
# Folders of a machine, URLs of package registries, keys.
FORBIDDEN = re.compile(
    r"/(?:root|home|Users|work)/[\w.]|//(?:pypi|files|registry|deb)\.[a-z.]+/|/simple/"
    r"|index-url|BEGIN [A-Z ]*PRIVATE KEY|gh[pousr]_\w{20}|pypi-AgE"
)


def load(name: str) -> Any:
    # YAML 1.1 reads the key `on` as a boolean.
    return yaml.load((ROOT / name).read_text(), Loader=yaml.BaseLoader)


def environments() -> list[str]:
    """Return the names in env_list of tox.ini. py312-django{52, 60} is two names."""
    tox = ConfigParser()
    tox.read(ROOT / "tox.ini")
    found = []
    for line in tox["tox"]["env_list"].split("\n"):
        before, _, choices = line.partition("{")
        found += [before + choice.strip() for choice in choices.rstrip("}").split(",")]
    return [name for name in found if name]


@pytest.mark.parametrize("name", YAML)
def test_yaml(name: str) -> None:
    assert load(name)


def test_the_matrix_is_that_of_tox() -> None:
    matrix = load(".github/workflows/ci.yml")["jobs"]["tests"]["strategy"]["matrix"]["include"]
    assert [entry["env"] for entry in matrix] == environments()
    for entry in matrix[:-1]:
        assert entry["env"].startswith(f"py{entry['python'].replace('.', '')}-")


def test_the_policy_names_what_is_tested() -> None:
    classifiers = metadata("django-metabase-sso").get_all("Classifier") or []
    supported = table("Python", "3.13")
    for row in supported[:2]:
        prefix = {"Python": "Programming Language :: Python", "Django": "Framework :: Django"}
        found = [c.removeprefix(f"{prefix[row[0]]} :: ") for c in classifiers if c[-1].isdigit()]
        assert [entry for entry in found if re.fullmatch(r"\d\.\d+", entry)] == row[1].split(", ")
    names = " ".join(environments())
    for python in supported[0][1].split(", "):
        assert f"py{python.replace('.', '')}-" in names
    for django in supported[1][1].split(", "):
        assert f"-django{django.replace('.', '')}" in names


@pytest.mark.parametrize("name", [name for name in YAML if "/workflows/" in name])
def test_workflows_take_little_and_are_pinned(name: str) -> None:
    workflow = load(name)
    assert workflow["permissions"] == {"contents": "read"}
    text = (ROOT / name).read_text()
    assert "secrets." not in text
    used = re.findall(r"uses: (\S+)", text)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)


def test_the_release_is_by_trusted_publishing() -> None:
    workflow = load(".github/workflows/release.yml")
    assert workflow["on"] == {"push": {"tags": ["v*"]}}
    publish = workflow["jobs"]["publish"]
    assert publish["environment"] == "pypi"
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["needs"] == "build"
    assert "permissions" not in workflow["jobs"]["build"]


def test_the_readme_is_short_and_its_badges_are_true() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 120
    python, django, *_ = table("Python", "3.13")
    oldest, *_, newest = python[1].split(", ")
    alternatives = re.findall(r"^!\[(.+?)\]", "\n".join(lines[:8]), re.MULTILINE)
    assert alternatives[:2] == [f"Python {oldest} to {newest}", f"Django {django[1]}"]


def test_no_release_without_an_address(capsys: pytest.CaptureFixture[str]) -> None:
    """All addresses begin with the one that the owner fills in."""
    urls = metadata("django-metabase-sso").get_all("Project-URL", [])
    labels, addresses = zip(*(entry.split(", ") for entry in urls), strict=True)
    assert set(labels) == {"Changelog", "Documentation", "Issues", "Source"}
    source = addresses[labels.index("Source")]
    for label, address in zip(labels, addresses, strict=True):
        assert address.startswith(source) or label == "Documentation"
    assert without_address(urls) == (urls if ".invalid/" in source else [])
    assert main() == int(".invalid/" in source)
    assert ("placeholder" in capsys.readouterr().out) == (".invalid/" in source)
    assert without_address(["Source, https://code.invalid/a", "Issues, not an address"])
    assert not without_address(["Source, https://code.example/invalid"])
    check = load(".github/workflows/release.yml")["jobs"]["check"]["steps"]
    assert any("release.addresses" in step.get("run", "") for step in check)


def test_the_bug_report_asks_for_the_checks_and_for_no_secret() -> None:
    text = (ROOT / ".github/ISSUE_TEMPLATE/bug.yml").read_text()
    for words in (
        "manage.py check --deploy",
        "metabase_sso doctor",
        "no secret and no token",
        "SECURITY.md",
    ):
        assert words in text


def test_nothing_of_a_machine_and_no_secret() -> None:
    assert FORBIDDEN.search("see /root/.config")
    texts = {
        name: (ROOT / name).read_bytes().decode(errors="replace")
        for name in TRACKED
        if (ROOT / name).is_file() and ROOT / name != Path(__file__)
    }
    assert not {
        name: match[0] for name, text in texts.items() if (match := FORBIDDEN.search(text))
    }
