"""The example's AUTHENTICATE, and each refusal of its page, under the example's settings."""

from __future__ import annotations

from tests.helpers.example import demo, run

BEARER = """
import django, jwt
django.setup()
from django.core import signing
from django.test import Client
from example_project.people.authentication import SALT, header_for
from example_project.people.models import Person
li = Person.objects.get(username="li")
client = Client(headers={"Host": "localhost"})
client.force_login(Person.objects.get(username="ada"), "django.contrib.auth.backends.ModelBackend")
gone = "Bearer " + signing.dumps(0, salt=SALT)
for header in (header_for(li), header_for(li) + "x", gone, "Bearer ", "Guest"):
    answer = client.get("/sso/metabase?response=json", headers={"Authorization": header})
    token = answer.json().get("jwt")
    claims = token and jwt.decode(token, options={"verify_signature": False})
    print(answer.status_code, claims["email"] if claims else answer.json()["code"])
"""
REFUSALS = """
import django
django.setup()
from example_project.pages.refusals import CASES, ask
for case in CASES:
    fetched, visited = ask(case, "localhost")
    assert fetched.status >= 400 or visited.status >= 400, case.code
    told = case.code in fetched.text or case.code in visited.text
    print(case.code, told or fetched.status == visited.status == 503)
"""


def test_bearer_and_refusals(demo_database: str) -> None:
    environment = demo(DEMO_DATABASE=demo_database)
    bearer = run("-c", BEARER, **environment)
    assert bearer.stdout.splitlines() == [
        "200 li@example.com",
        *["401 invalid-credentials"] * 3,
        "403 nobody",
    ], bearer.stderr
    refusals = run("-c", REFUSALS, **environment)
    assert refusals.returncode == 0, refusals.stderr
    assert len(refusals.stdout.splitlines()) == 15
    assert "False" not in refusals.stdout
