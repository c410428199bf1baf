"""Installs the wheel in an empty environment, and follows the README there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.helpers.markdown import blocks
from tests.helpers.quickstart import QUICKSTART, follow_quickstart
from tests.helpers.tokens import decode

TEMPLATES = """
TEMPLATES[0]["DIRS"] = [BASE_DIR / "templates"]
"""
URLS = """
from django.views.generic import TemplateView
urlpatterns += [path("sales/", TemplateView.as_view(template_name="sales.html"))]
"""
PAGES = """
import json
from importlib.metadata import version
from django.contrib.auth.models import User
from django.contrib.staticfiles.finders import find
from django.core.checks import run_checks
from django.test import Client
from django.utils import translation
import django_metabase_sso
client = Client(headers={"host": "localhost", "accept": "text/html"})
client.force_login(User.objects.get(username="ada"))
found = {"files": [django_metabase_sso.__file__, find("django_metabase_sso/config.js")]}
found["versions"] = {n: version(n) for n in ("django", "pyjwt", "django-cors-headers")}
found["checks"] = [entry.id for entry in run_checks(include_deployment_checks=True)]
found["sales"] = client.get("/sales/").content.decode()
translation.activate("de")
found["refused"] = client.get("/sso/metabase?return_to=//evil.example").content.decode()
print(json.dumps(found))
"""


def interpreters() -> dict[tuple[int, ...], str]:
    """Return the Pythons on this machine that the package supports, the oldest first."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    names = [shutil.which(f"python3.{minor}") for minor in range(10, 20)]
    names += map(str, pyenv.glob("versions/3.1?.*/bin/python"))
    found = {}
    for name in [*filter(None, names), sys.executable]:
        command = [name, "-c", "import sys; print(*sys.version_info[:2])"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode == 0:  # a shim of pyenv can be without a Python
            found[tuple(map(int, done.stdout.split()))] = name
    return dict(sorted(found.items()))


def lower_bounds(wheel: Path) -> dict[str, Version]:
    """Return the oldest version that the wheel allows of each dependency."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        lines = message_from_bytes(archive.read(name)).get_all("Requires-Dist", [])
    bounds = {}
    for entry in map(Requirement, lines):
        [specifier] = entry.specifier
        assert specifier.operator == ">="
        if entry.marker is None:  # not for an extra
            bounds[entry.name] = Version(specifier.version)
    return bounds


def install(wheel: Path, folder: Path, python: str, *arguments: str) -> str:
    """Install the wheel into a new, empty environment; return its Python."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    inside = str(folder / "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", inside, "install", "--quiet"]
    subprocess.run([*pip, str(wheel), *arguments], check=True)
    return inside


def sales_page(site: Path) -> None:
    """Add the README's template to the site, as /sales/."""
    (site / "templates").mkdir()
    (site / "templates/sales.html").write_text(blocks("html+django", "README.md")[0])
    for name, added in [("settings", TEMPLATES), ("urls", URLS)]:
        with (site / f"site1/{name}.py").open("a") as file:
            file.write(added)


@pytest.mark.parametrize("age", ["oldest", "newest"])
def test_quickstart(wheel: Path, tmp_path: Path, age: str) -> None:
    pythons = list(interpreters().values())
    bounds = lower_bounds(wheel)
    pins = [f"{name}=={version}" for name, version in bounds.items()]
    python, exact = (pythons[0], pins) if age == "oldest" else (pythons[-1], [])
    inside = install(wheel, tmp_path / "env", python, *exact)
    site = tmp_path / "site"
    site.mkdir()
    run = follow_quickstart(site, inside, name="README.md")
    token = run("manage.py", "shell", "--verbosity=0", input=QUICKSTART).strip()
    assert decode(token)["email"] == "ada@example.com"

    sales_page(site)
    found = json.loads(run("manage.py", "shell", "--verbosity=0", input=PAGES))
    versions = {name: Version(version) for name, version in found["versions"].items()}
    print(age, python, found["versions"])
    assert versions == bounds if age == "oldest" else versions["django"] > bounds["django"]
    assert not [check for check in found["checks"] if check.startswith("metabase_sso.E")]
    for file in found["files"]:
        assert file.startswith(str(tmp_path / "env"))
    assert re.search(r'<metabase-dashboard [^>]*dashboard-id="1"', found["sales"])
    assert "Dieser Link funktioniert nicht" in found["refused"]
