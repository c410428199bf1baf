from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers.example import demo, run


@pytest.fixture(scope="session")
def _new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "new.sqlite3"
    made = run("manage.py", "migrate", "--verbosity=0", **demo(DEMO_DATABASE=str(path)))
    assert made.returncode == 0, made.stderr
    return path


@pytest.fixture(scope="session")
def _demo_database(_new_database: Path) -> Path:
    path = _new_database.with_name("demo.sqlite3")
    shutil.copy(_new_database, path)
    made = run("manage.py", "create_demo_users", **demo(DEMO_DATABASE=str(path)))
    assert made.returncode == 0, made.stderr
    return path


@pytest.fixture
def new_database(_new_database: Path, tmp_path: Path) -> str:
    """The path of a database of the example site that nobody has used."""
    return str(shutil.copy(_new_database, tmp_path))


@pytest.fixture
def demo_database(_demo_database: Path, tmp_path: Path) -> str:
    """The path of a database of the example site with the demo's people."""
    return str(shutil.copy(_demo_database, tmp_path))
