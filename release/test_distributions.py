"""The distributions are reproducible, and have only the files that belong there."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

from django_metabase_sso import __version__
from release.conftest import ROOT

SUFFIXES = {".py", ".html", ".js", ".mo", ".typed"}
NEEDED = {
    "django_metabase_sso/locale/de/LC_MESSAGES/django.mo",
    "django_metabase_sso/py.typed",
    "django_metabase_sso/static/django_metabase_sso/config.js",
    "django_metabase_sso/templates/django_metabase_sso/refused.html",
    "django_metabase_sso/templatetags/metabase.py",
}
TOP = {
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "PKG-INFO",
    "README.md",
    "SECURITY.md",
    "release/readme.py",
}


def package_files() -> set[str]:
    """Return the package's files in this repository, as git sees them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(
        [*command, "django_metabase_sso"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return {name for name in done.stdout.splitlines() if (ROOT / name).exists()}


def test_two_builds_are_the_same(builds: list[Path]) -> None:
    one, another = ({file.name: file.read_bytes() for file in dist.iterdir()} for dist in builds)
    assert set(one) == {
        f"django_metabase_sso-{__version__}.tar.gz",
        f"django_metabase_sso-{__version__}-py3-none-any.whl",
    }
    assert one == another


def test_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    info = f"django_metabase_sso-{__version__}.dist-info"
    expected = {name for name in package_files() if not name.endswith(".po")}
    files = ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE")
    meta = {f"{info}/{name}" for name in files}
    assert names == expected | meta
    assert {Path(name).suffix for name in expected} == SUFFIXES
    assert names >= NEEDED


def test_the_sdist(builds: list[Path]) -> None:
    [sdist] = builds[0].glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names == package_files() | TOP | {"pyproject.toml"}


def test_what_the_package_index_shows(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        shown = message_from_bytes(archive.read(name))
    urls = dict(entry.split(", ") for entry in shown.get_all("Project-URL", []))
    links = re.findall(r"\]\(([^)#]+)", str(shown.get_payload()))
    assert all(link.startswith("https://") for link in links)
    ours = [link.removeprefix(urls["Source"]) for link in links if urls["Source"] in link]
    assert ours
    for link in ours:
        _, kind, _, path = link.split("/", 3)
        assert (ROOT / path).is_file()
        assert kind == ("raw" if path.endswith(".png") else "blob")


def test_twine(builds: list[Path]) -> None:
    files = map(str, builds[0].iterdir())
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=True)
