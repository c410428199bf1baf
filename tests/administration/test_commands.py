"""What `explain` and `doctor` add where there is an API key to ask with."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.helpers.administration import Administered, Run
from tests.helpers.configure import Configure
from tests.servers.ports import free_port

ADA = "ada@example.com"


@pytest.fixture(autouse=True)
def project(metabase: Administered, configure: Configure, settings: Settings, ada: User) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    configure(ACCESS_POLICY="django_metabase_sso.policies.trust_emails")


def test_explain(metabase: Administered, manage: Run) -> None:
    status, out, _ = manage("explain", "ada")
    assert status == 0
    assert "Account in Metabase: The user does not have an account yet." in out
    number = metabase.add(ADA, groups=["All Users", "Sales"], typed={"region": "south"})
    _, out, _ = manage("explain", "ada")
    assert f"Account in Metabase: {number}, active, signs in with jwt, in All Users, Sales." in out
    assert "Attribute in Metabase: region = south: set by an administrator in Metabase" in out
    metabase.add(ADA, is_active=False, sso_source=None)
    _, out, _ = manage("explain", "ada")
    assert f"Account in Metabase: {number}, deactivated, signs in with password" in out


def test_explain_as_json(metabase: Administered, manage: Run) -> None:
    number = metabase.add(ADA, typed={"region": "south"})
    _, out, _ = manage("explain", "ada", "--json")
    found = json.loads(out)
    assert found["account"] == {
        "id": number,
        "is_active": True,
        "sso_source": "jwt",
        "groups": ["All Users"],
        "typed": {"region": "south"},
    }
    assert found["account_problem"] == ""


def test_explain_while_metabase_is_down(manage: Run, configure: Configure) -> None:
    configure(INSTANCE_URL=f"http://127.0.0.1:{free_port()}")
    status, out, _ = manage("explain", "ada")
    assert status == 0
    assert "Account in Metabase: Metabase, GET /api/user: the connection failed" in out


def test_explain_without_a_key(manage: Run, configure: Configure) -> None:
    configure(API_KEY=None)
    assert "Account in Metabase" not in manage("explain", "ada")[1]
    assert "account" not in json.loads(manage("explain", "ada", "--json")[1])


def findings(manage: Run) -> dict[str, dict[str, str]]:
    _, out, _ = manage("doctor", "--json")
    return {finding["code"]: finding for finding in json.loads(out)["findings"]}


def test_doctor(metabase: Administered, manage: Run) -> None:
    assert findings(manage)["setup"]["level"] == "ok"
    metabase.change(**{"jwt-attribute-firstname": "given_name"})
    found = findings(manage)["setup"]
    assert found["level"] == "warning"
    assert "jwt-attribute-firstname" in found["title"]
    assert "manage.py metabase_sso setup --site http://localhost:" in found["cure"]


def test_doctor_with_a_key_that_is_not_known(manage: Run, configure: Configure) -> None:
    configure(API_KEY="mb_unknown=")
    found = findings(manage)["setup"]
    assert found["level"] == "warning"
    assert "does not know the API key" in found["cause"]


def test_doctor_without_a_key(manage: Run, configure: Configure) -> None:
    configure(API_KEY=None)
    assert "setup" not in findings(manage)


@pytest.mark.parametrize(("version", "is_there"), [(60, True), (65, False)])
def test_doctor_of_a_metabase_that_ends_no_sessions(
    metabase: Administered, manage: Run, configure: Configure, version: int, is_there: bool
) -> None:
    configure(END_ACCESS=["logout"])
    metabase.change(version=version)
    assert ("end-access" in findings(manage)) is is_there


@pytest.mark.parametrize(("is_on", "level"), [(True, "ok"), (False, "fault")])
def test_doctor_asks_whether_tenants_are_on(
    metabase: Administered, manage: Run, configure: Configure, ada: User, is_on: bool, level: str
) -> None:
    """One fault is one finding, and nobody is signed in while Metabase would refuse it."""
    configure(TENANT=lambda user, request: "acme")
    metabase.change(use_tenants=is_on)
    _, out, _ = manage("doctor", "--json", "--user", "ada")
    found = {finding["code"]: finding for finding in json.loads(out)["findings"]}
    assert found["tenants"]["level"] == level
    assert found["exchange"]["level"] == ("ok" if is_on else "skipped")
    assert "use-tenants" not in found["setup"]["title"]


def test_doctor_cannot_ask_whether_tenants_are_on(manage: Run, configure: Configure) -> None:
    configure(TENANT=lambda user, request: "acme", API_KEY="mb_unknown=")
    found = findings(manage)["tenants"]
    assert found["level"] == "skipped"
    assert "does not know the API key" in found["cause"]
