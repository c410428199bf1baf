"""New projects that do what the pages say: installation, the audit trail, tests, tenants."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from django_metabase_sso import test
from tests.helpers.markdown import block, blocks, page
from tests.helpers.paths import ROOT
from tests.helpers.quickstart import (
    QUICKSTART,
    follow_quickstart,
    quickstart_project,
    write_files,
)
from tests.helpers.tokens import decode

# The files of the audit trail: each begins with its name.
FILES = {
    code.splitlines()[0].removeprefix("# "): code
    for code in blocks("python")
    if code.startswith("# audit/")
}
SETTINGS_FILE = """
METABASE_SSO = {"INSTANCE_URL": "https://bi.example.com", "JWT_SHARED_SECRET": "for-real" * 5}
METABASE_SSO["GROUP_MAPPING"] = lambda user, request: ["Members"]
"""
URLS = """
from django.urls import include
urlpatterns += [path("sso/", include("django_metabase_sso.urls"))]
"""
GUESTS = """
from .views import sales
urlpatterns.insert(0, path("sales/", sales))
"""
ONE_EMBED = "{% load metabase %}{% metabase_guest_dashboard 10 params=params %}"
INSTANCE_URL = "from django.conf import settings; print(settings.METABASE_SSO['INSTANCE_URL'])"
CLAIMS = """
import json
from types import SimpleNamespace as Profile
from django.contrib.auth.models import User
from django_metabase_sso import access, claims, exceptions
ada = User.objects.create_user("ada", "ada@example.com")
ada.profile = Profile(region="north", customer_id=7, tenant_slug="acme", plan="large")
print(json.dumps(claims.build(ada)))
ada.groups.create(name="Analysts")
ada.is_staff = True
print(json.dumps(claims.build(ada)))
ada.profile.region = ""
try:
    access.check_access(ada)
except exceptions.AccessRefused as error:
    print(json.dumps({"code": error.code}))
from django.core.exceptions import PermissionDenied
from django.test import Client
from shop.metabase import require_contract, require_staff
assert require_staff(ada, None)
try:
    require_contract(ada, None)
except PermissionDenied as denied:
    print(json.dumps({"message": str(denied)}))
client = Client(headers={"host": "localhost", "origin": "http://localhost"})
client.force_login(ada)
for number in (10, 11):
    asked = {"entityType": "dashboard", "entityId": number}
    answer = client.post("/sso/metabase/guest-token", asked, content_type="application/json")
    print(json.dumps(list(answer.json())))
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


@pytest.mark.parametrize("name", ["README.md", "docs/installation.md"])
def test_installation(tmp_path: Path, name: str) -> None:
    run = follow_quickstart(tmp_path, name=name)
    token = run("manage.py", "shell", "--verbosity=0", input=QUICKSTART).strip()
    assert decode(token)["email"] == "ada@example.com"


def test_the_audit_trail_is_the_example() -> None:
    assert set(FILES) == {f"audit/{name}.py" for name in ("models", "receivers", "apps", "admin")}
    for name, code in FILES.items():
        source = (ROOT / "example_project" / name).read_text()
        source = source.partition("from __future__ import annotations\n\n")[2]
        source = re.sub(r"  # type: ignore.*", "", source)
        assert code == f"# {name}\n{source.replace('example_project.audit', 'audit')}"


def test_the_audit_trail(project: Path) -> None:
    deletion = block("python", "def delete_old_events")
    for name, code in {**FILES, "delete.py": deletion, "audit/__init__.py": ""}.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(code)
    (project / "audit/migrations").mkdir()
    (project / "audit/migrations/__init__.py").touch()
    add_app(project, "audit")
    printed = run(project, "-W", "error", "-c", TRAIL)
    assert "('1', 'issued', 'ada@example.com', ['Members'], '127.0.0.1')" in printed
    assert "('1', 'no-email', '', None, '127.0.0.1')" in printed


def test_samples_of_testing(tmp_path: Path) -> None:
    run = quickstart_project(tmp_path)
    write_files(tmp_path, page("docs/testing.md").files)
    write_files(
        tmp_path,
        [
            ("shop/views.py", block("python", "def sales(request)")),
            ("shop/urls.py", GUESTS),
        ],
    )
    (tmp_path / "templates/sales.html").write_text(ONE_EMBED)
    names = ("test_metabase.py", "test_guests.py", "shop/tests.py")
    printed = run("-W", "error", "-m", "pytest", "-p", "no:cacheprovider", *names)
    assert "6 passed" in printed
    run("manage.py", "test", "shop")
    write_files(tmp_path, [("shop/settings.py", block("python", "{**METABASE_SSO, **SETTINGS}"))])
    shown = run("manage.py", "shell", "--verbosity=0", input=INSTANCE_URL)
    assert shown.strip() == test.SETTINGS["INSTANCE_URL"]


def test_samples_of_functions_and_their_settings(tmp_path: Path) -> None:
    run = quickstart_project(tmp_path)
    for name in ("access", "guest-embeds", "groups-and-rows", "tenants"):
        write_files(tmp_path, page(f"docs/{name}.md").files)
    run("manage.py", "check", "--fail-level=WARNING")
    printed = run("manage.py", "shell", "--verbosity=0", input=CLAIMS)
    customer, staff, refusal, denied, *guests = map(json.loads, printed.splitlines())
    assert (customer["region"], customer["customer_id"]) == ("north", "7")
    assert (customer["@tenant"], customer["@tenant.attributes"]) == ("acme", {"plan": "large"})
    assert "groups" not in customer
    assert staff["groups"] == ["Analysts"]
    assert "@tenant" not in staff
    assert refusal == {"code": "policy"}
    assert denied == {"message": "Your company has no contract for reports."}
    assert guests == [["jwt"], ["status", "code", "message"]]
