from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LEFT_OUT = shutil.ignore_patterns(
    ".*_cache", ".e2e", ".git", ".tox", ".venv", "__pycache__", "build", "dist", "node_modules"
)


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two folders with the sdist and the wheel, built from two copies of this repository.

    The files of the second copy have other times, and there are files that must not be packaged.
    """
    found = []
    copies: list[tuple[str, Callable[[str, str], object]]]
    copies = [("one", shutil.copy2), ("another/place", shutil.copyfile)]
    for name, copy in copies:
        folder = tmp_path_factory.mktemp("build") / name
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT, copy_function=copy)
        found.append(folder / "dist")
    (folder / "django_metabase_sso/db.sqlite3").touch()
    (folder / "django_metabase_sso/__pycache__").mkdir()
    (folder / "django_metabase_sso/__pycache__/conf.cpython-311.pyc").touch()
    for dist in found:
        subprocess.run(
            [sys.executable, "-m", "build", "--no-isolation"],
            cwd=dist.parent,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1767225600"},
            check=True,
            capture_output=True,
        )
    return found


@pytest.fixture(scope="session")
def wheel(builds: list[Path]) -> Path:
    [found] = builds[0].glob("*.whl")
    return found
