"""A new project, made as a page says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.helpers.markdown import blocks
from tests.settings import SECRET

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
    """Start a project in a folder and do what a page says; return what runs its Python."""
    environment = {**os.environ, "METABASE_JWT_SHARED_SECRET": SECRET}
    del environment["DJANGO_SETTINGS_MODULE"]

    def run(*command: str, **kwargs: Any) -> str:
        done = subprocess.run(
            [python, *command],
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            **kwargs,
        )
        return str(done.stdout)

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
