"""The pages on the audit trail and on testing, held against the code."""

from __future__ import annotations

import logging
import logging.config
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_metabase_sso import signals, test
from tests.helpers.configure import Configure
from tests.helpers.markdown import blocks, rows
from tests.helpers.paths import ROOT
from tests.helpers.signals import Recorder
from tests.helpers.sso import FETCH
from tests.test_logs import CODES

AUDIT = (ROOT / "docs/audit.md").read_text()
TESTING = (ROOT / "docs/testing.md").read_text()
FILES = {code.splitlines()[0][2:]: code for code in blocks("python", AUDIT) if code[0] == "#"}
SETTINGS_FILE = """
METABASE_SSO = {"INSTANCE_URL": "https://bi.example.com", "JWT_SHARED_SECRET": "for-real" * 5}
METABASE_SSO["GROUP_MAPPING"] = lambda user, request: ["Members"]
"""
URLS = """
from django.http import HttpResponse
from django.urls import include
from django_metabase_sso.embeds import guest_dashboard_html

def sales(request):
    groups = request.user.groups.all()
    return HttpResponse(guest_dashboard_html(request, 10, {"customer": groups}))

urlpatterns += [path("sso/", include("django_metabase_sso.urls")), path("sales/", sales)]
"""
CONFTEST = """
import pytest

@pytest.fixture(autouse=True)
def _database(db):
    pass

@pytest.fixture
def customer(django_user_model):
    made = django_user_model.objects.create_user("li", "li@example.com")
    made.groups.create(name="A company")
    return made
"""
TRAIL = """
import django
django.setup()
from django.core.management import call_command
call_command("makemigrations", "audit", verbosity=0)
call_command("migrate", verbosity=0)
call_command("check", fail_level="WARNING")
from django.contrib.auth.models import User
from django.test import Client
from audit.models import MetabaseEvent
client = Client(headers={"Host": "localhost"})
client.force_login(User.objects.create_superuser("ada", "ada@example.com"))
client.get("/sso/metabase?response=json")
User.objects.update(email="")
client.get("/sso/metabase?response=json")
for row in MetabaseEvent.objects.all():
    print((row.user_key, row.code, row.email, row.groups, row.ip))
assert "ada@example.com" in client.get("/admin/audit/metabaseevent/").text
from datetime import timedelta
from delete import delete_old_events
delete_old_events()
assert MetabaseEvent.objects.count() == 2
MetabaseEvent.objects.filter(code="issued").update(when="2020-01-01T00:00:00Z")
delete_old_events()
assert [row.code for row in MetabaseEvent.objects.all()] == ["no-email"]
"""


def run(folder: Path, *command: str) -> str:
    """Run Python in a project; return what it prints."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "site1.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project with the package."""
    environment = {key: text for key, text in os.environ.items() if "DJANGO" not in key}
    start = [sys.executable, "-m", "django", "startproject", "site1", "."]
    subprocess.run(start, cwd=tmp_path, env=environment, check=True)
    for name, added in (("settings", SETTINGS_FILE), ("urls", URLS)):
        file = tmp_path / f"site1/{name}.py"
        file.write_text(f"{file.read_text()}\n{added}")
    add_app(tmp_path, "django_metabase_sso")
    return tmp_path


def add_app(project: Path, name: str) -> None:
    with (project / "site1/settings.py").open("a") as file:
        file.write(f'\nINSTALLED_APPS += ["{name}"]\n')


# The audit trail


def test_the_recipe_is_the_example() -> None:
    assert set(FILES) == {f"audit/{name}.py" for name in ("models", "receivers", "apps", "admin")}
    for name, code in FILES.items():
        source = (ROOT / "example_project" / name).read_text()
        source = source.partition("from __future__ import annotations\n\n")[2]
        source = re.sub(r"  # type: ignore.*", "", source)
        assert code == f"# {name}\n{source.replace('example_project.audit', 'audit')}"


def test_the_recipe_in_a_new_project(project: Path) -> None:
    [deletion] = [code for code in blocks("python", AUDIT) if "delete_old_events" in code]
    for name, code in {**FILES, "delete.py": deletion, "audit/__init__.py": ""}.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(code)
    (project / "audit/migrations").mkdir()
    (project / "audit/migrations/__init__.py").touch()
    add_app(project, "audit")
    printed = run(project, "-W", "error", "-c", TRAIL)
    assert "('1', 'issued', 'ada@example.com', ['Members'], '127.0.0.1')" in printed
    assert "('1', 'no-email', '', None, '127.0.0.1')" in printed


@pytest.mark.parametrize("signal", ["token_issued", "token_refused"])
def test_the_signals(signed_in: Client, ada: User, configure: Configure, signal: str) -> None:
    [row] = [row for row in rows(AUDIT, "| signal | when |") if row[0] == f"`{signal}`"]
    if signal == "token_refused":
        configure(ACCESS_POLICY=lambda user, request: False)
    recorder = Recorder()
    getattr(signals, signal).connect(recorder)
    try:
        signed_in.get(FETCH)
    finally:
        getattr(signals, signal).disconnect(recorder)
    [call] = recorder.calls
    assert call.keys() - {"signal", "sender"} == set(re.findall(r"`(\w+)`", row[2]))


def test_the_codes() -> None:
    documented = [
        code
        for row in rows(AUDIT, "| code | what happened |")
        for code in re.findall(r"`([a-z-]+)`", row[0])
    ]
    assert sorted(documented) == sorted(CODES)


def test_the_formatter(
    signed_in: Client, ada: User, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    [code] = [code for code in blocks("python", AUDIT) if "LOGGING" in code]
    exec(code, names)
    configure(ACCESS_POLICY=lambda user, request: False)
    logger = logging.getLogger("django_metabase_sso")
    before = logger.handlers, logger.propagate
    try:
        logging.config.dictConfig(names["LOGGING"])
        signed_in.get(FETCH)
        signed_in.get(FETCH, headers={"Origin": "https://evil.example"})
    finally:
        logger.handlers, logger.propagate = before
    printed = capsys.readouterr().err
    assert f" WARNING policy user={ada.pk} No Metabase token for user" in printed
    assert " WARNING origin-not-allowed user=None Origin" in printed


# Testing


def test_the_names() -> None:
    for row in rows(TESTING, "| name | what it does |"):
        name = row[0].strip("`").partition("(")[0]
        assert hasattr(test, name)
        assert hasattr(test.Helpers, name)


def test_the_tests(project: Path) -> None:
    plugin, with_pytest, django_runner, settings, embeds = blocks("python", TESTING)
    for name, code in {
        "conftest.py": plugin + CONFTEST,
        "test_with_pytest.py": with_pytest,
        "test_embeds.py": embeds,
        "test_unittest.py": django_runner,
    }.items():
        (project / name).write_text(code)
    printed = run(project, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider")
    assert "6 passed" in printed
    with (project / "site1/settings.py").open("a") as file:
        file.write(settings)
    set_to = "from django.conf import settings; print(settings.METABASE_SSO['INSTANCE_URL'])"
    assert run(project, "-c", set_to).strip() == test.SETTINGS["INSTANCE_URL"]
    run(project, "manage.py", "test", "test_unittest")
