"""The audit trail of the example site, in a process of its own: its user model is another one."""

from __future__ import annotations

import pytest

from tests.helpers.example import demo, run
from tests.helpers.redaction import JWT

START = """
import django
django.setup()
from django.contrib.auth.models import AnonymousUser, Permission
from django.test import Client, RequestFactory
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.tokens import issue_token
from example_project.audit.models import MetabaseEvent
from example_project.people.models import Person

FETCH, LOCAL = "/sso/metabase?response=json", {"Host": "localhost"}
BACKEND = "django.contrib.auth.backends.AllowAllUsersModelBackend"

def person(name):
    return Person.objects.get(username=name)

def signed_in(name, **options):
    client = Client(headers=LOCAL, **options)
    client.force_login(person(name), BACKEND)
    return client

def rows():
    return list(MetabaseEvent.objects.order_by("pk"))
"""
TRAIL = """
ada = person("ada")
assert signed_in("ada").get(FETCH, REMOTE_ADDR="2001:DB8::1%eth0").status_code == 200
assert signed_in("ada").get("/sso/metabase", headers={"Accept": "text/html"}).status_code == 302
token = issue_token(ada, RequestFactory().get("/", REMOTE_ADDR=""))
issued, redirected, by_code = rows()
assert (issued.code, issued.user, issued.user_key) == ("issued", ada, str(ada.pk))
assert (issued.email, issued.groups) == ("ada@example.com", ["Analysts", "Sales"])
assert (issued.ip, redirected.ip, by_code.ip) == ("2001:db8::1", "127.0.0.1", None)
assert str(issued) == f"issued, user {ada.pk}"
assert issued.impersonator_key == "" and issued.when
shown = repr([vars(row) for row in rows()])
assert token not in shown and "eyJ" not in shown
MetabaseEvent.objects.all().delete()

for name in ("ian", "zoe", "tim", "mallory", "lost"):
    assert signed_in(name).get(FETCH).status_code == 403
try:
    issue_token(person("nora"))
except AccessRefused:
    pass
assert [(row.code, row.user.username) for row in rows()] == [
    ("inactive", "ian"), ("invalid-email", "zoe"), ("shared-email", "tim"),
    ("policy", "mallory"), ("no-tenant", "lost"), ("no-email", "nora"),
]
assert {(row.email, row.groups, row.impersonator_key) for row in rows()} == {("", None, "")}
key = person("lost").pk
person("lost").delete()
assert [row.user for row in rows() if row.user_key == str(key)] == [None]
MetabaseEvent.objects.all().delete()

anybody = Client(headers=LOCAL)
for headers in ({}, {"Accept": "text/html"}, {"Authorization": "Bearer forged"}):
    anybody.get(FETCH, headers=headers)
    signed_in("ada").get(FETCH, headers={"Authorization": "Bearer forged"})
    signed_in("ada").head(FETCH)
try:
    issue_token(AnonymousUser())
except AccessRefused:
    pass
assert rows() == []
"""
IMPERSONATION = """
from django.conf import settings
from django.test import override_settings
sam = signed_in("sam")
sam.post("/hijack/acquire/", {"user_pk": person("ada").pk})
with override_settings(METABASE_SSO={**settings.METABASE_SSO, "ALLOW_IMPERSONATION": True}):
    assert sam.get(FETCH).status_code == 200
assert sam.get(FETCH).status_code == 403
issued, refused = rows()
assert (issued.code, issued.user, issued.impersonator_key) == (
    "issued", person("ada"), str(person("sam").pk)
)
assert (refused.code, refused.user) == ("impersonated", person("ada"))
"""
CLOSED = """
from django.db import connection
from django_metabase_sso.signals import token_issued
with connection.schema_editor() as editor:
    editor.delete_model(MetabaseEvent)
answer = signed_in("ada", raise_request_exception=False).get(FETCH)
print(answer.status_code, "jwt" in answer.text)
print(signed_in("mallory").get(FETCH).json()["code"])
"""
ADMIN = """
assert signed_in("ada").get(FETCH).status_code == 200
[row] = rows()
row.groups = ["<script>alert(1)</script>"]
row.save()
sam = signed_in("sam")
trail = "/admin/audit/metabaseevent/"
page = sam.get(trail)
assert page.status_code == 200
assert "ada@example.com" in page.text and "<script>alert" not in page.text
assert trail in sam.get("/").text and trail not in signed_in("ada").get("/").text
assert "ada@example.com" in sam.get(trail, {"q": row.user_key}).text
assert "ada@example.com" not in sam.get(trail, {"code": "policy"}).text
detail = sam.get(f"{trail}{row.pk}/change/")
assert detail.status_code == 200 and 'name="_save"' not in detail.text
assert sam.post(f"{trail}{row.pk}/change/", {"code": "policy"}).status_code == 403
assert sam.get(f"{trail}add/").status_code == 403
assert sam.post(f"{trail}{row.pk}/delete/", {"post": "yes"}).status_code == 403
Person.objects.create_superuser("root", "root@example.com")
root = signed_in("root")
root.post(trail, {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
assert root.post(f"{trail}{row.pk}/delete/", {"post": "yes"}).status_code == 403
assert [row.code for row in rows()] == ["issued"]
assert signed_in("li").get(trail).status_code == 302
Person.objects.filter(username="li").update(is_staff=True)
assert signed_in("li").get(trail).status_code == 403
"""


@pytest.fixture
def environment(demo_database: str) -> dict[str, str]:
    return demo(DEMO_DATABASE=demo_database)


@pytest.mark.parametrize("code", [TRAIL, IMPERSONATION, ADMIN], ids=["trail", "staff", "admin"])
def test_the_trail(environment: dict[str, str], code: str) -> None:
    done = run("-c", START + code, **environment)
    assert done.returncode == 0, done.stderr
    assert JWT.search(done.stdout + done.stderr) is None


def test_a_trail_that_cannot_be_written_stops_the_answer(environment: dict[str, str]) -> None:
    done = run("-c", START + CLOSED, **environment)
    assert done.stdout.splitlines() == ["500 False", "policy"], done.stderr
    assert "no such table: audit_metabaseevent" in done.stderr
    assert JWT.search(done.stdout + done.stderr) is None
