"""Creates a new project by following a page of the documentation."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.helpers.markdown import blocks, page
from tests.settings import EMBEDDING_SECRET, SECRET

QUICKSTART = """
from django.test import Client
from django.contrib.auth.models import User
client = Client(headers={"host": "localhost"})
assert client.get("/sso/metabase?response=json").status_code == 401
client.force_login(User.objects.create_user("ada", "ada@example.com"))
print(client.get("/sso/metabase?response=json").json()["jwt"])
"""


def follow_quickstart(
    folder: Path, python: str = sys.executable, *, name: str = "docs/installation.md"
) -> Callable[..., str]:
    """Create a project in a folder and follow a page; return a function that runs its Python."""
    run = python_in(folder, python)
    run("-m", "django", "startproject", "site1", ".")
    added = {
        "settings": ("import os\n\nINSTALLED_APPS", "*MIDDLEWARE,"),
        "urls": ("import include, path\n\nurlpatterns",),
    }
    for module, words in added.items():
        file = folder / f"site1/{module}.py"
        code = [code for begin in words for code in blocks("python", name) if begin in code]
        assert code
        file.write_text("\n".join([file.read_text(), *code]))
    assert "no issues" in run("manage.py", "check")
    run("manage.py", "migrate", "--verbosity=0")
    return run


def quickstart_project(folder: Path) -> Callable[..., str]:
    """Follow docs/quickstart.md in a folder; return a function that runs Python there."""
    run = python_in(folder, sys.executable)
    run("-m", "django", "startproject", "shop", ".")
    write_files(folder, page("docs/quickstart.md").files)
    run("manage.py", "migrate", "--verbosity=0")
    return run


def write_files(folder: Path, files: list[tuple[str, str]]) -> None:
    """Write the files of a page. Code for a file that exists is appended to it."""
    assert files
    for name, code in files:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_text() if file.exists() else ""
        file.write_text(f"{before}\n{code}")


def python_in(folder: Path, python: str) -> Callable[..., str]:
    """Return a function that runs Python in a folder, and returns its output."""
    environment = {
        **os.environ,
        "METABASE_JWT_SHARED_SECRET": SECRET,
        "METABASE_EMBEDDING_SECRET_KEY": EMBEDDING_SECRET,
        "METABASE_API_KEY": "mb_key",
    }
    del environment["DJANGO_SETTINGS_MODULE"]

    def run(*command: str, **kwargs: Any) -> str:
        done = subprocess.run(
            [python, *command],
            cwd=folder,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            **kwargs,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return str(done.stdout)

    return run
