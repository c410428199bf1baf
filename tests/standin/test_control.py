from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.test import Client

from example_project.standin.state import Instance
from tests.standin.conftest import SDK, SITE, SignIn, token
from tests.standin.test_sso import page_text, post

FORM = {
    "sso_enabled": "on",
    "group_sync": "manual",
    "group_mapping": '{"a": ["Sales"]}',
    "tenants_enabled": "on",
    "tenants": '{"acme": false, "initech": true}',
    "method": "saml",
}


def patch(client: Client, body: Any, **headers: str) -> Any:
    return client.patch(
        "/standin/settings", json.dumps(body), content_type="application/json", headers=headers
    )


def test_state(browse: SignIn, standin: Instance) -> None:
    client = browse(groups=["Sales"], region="North")
    sent = token(email="bob@example.com")
    post(client, "/auth/sso/to_session", {"jwt": sent})
    client.get("/auth/sso", {"jwt": "x"})
    response = client.get("/standin/state")
    state = response.json()
    assert [account["email"] for account in state["accounts"]] == [
        "admin@metabase.example",
        "ada@example.com",
        "bob@example.com",
    ]
    ada = state["accounts"][1]
    assert ada["groups"] == ["All Users", "Sales"]
    assert ada["attributes"] == {"region": "North"}
    assert (ada["tenant"], ada["is_active"], ada["sso_source"]) == (None, True, "jwt")
    assert state["sessions"] == 2
    assert [(sign_in["email"], sign_in["how"]) for sign_in in state["sign_ins"]] == [
        ("ada@example.com", "navigation"),
        ("bob@example.com", "to_session"),
    ]
    assert state["refusals"] == ["Message seems corrupt or manipulated"]
    text = page_text(response)
    assert sent not in text
    assert not [session for session in standin.sessions if session in text]


def test_reset(browse: SignIn, standin: Instance) -> None:
    client = browse()
    patch(client, {"provisioning": False})
    assert client.post("/standin/reset").status_code == 200
    assert len(standin.accounts) == 1
    assert not standin.sessions
    assert standin.configuration.provisioning
    assert client.get("/standin/reset").status_code == 405
    response = client.post("/standin/reset", headers={"Sec-Fetch-Mode": "navigate"})
    assert response["Location"] == "/standin/settings"


def test_the_defaults(client: Client) -> None:
    defaults = client.get("/standin/state").json()["settings"]
    assert defaults["sso_enabled"] is defaults["provisioning"] is True
    assert defaults["group_sync"] == "automatic"
    assert defaults["tenants_enabled"] is False


def test_patch(client: Client, standin: Instance) -> None:
    standin.tenants["acme"].attributes["plan"] = "gold"
    values = {
        "group_sync": "manual",
        "group_mapping": {"a": ["Sales"]},
        "tenants": {"acme": False, "new": True},
        "claim_names": {"email": "mail"},
    }
    answer = patch(client, values).json()
    assert {key: answer[key] for key in ("group_sync", "group_mapping", "tenants")} == {
        key: values[key] for key in ("group_sync", "group_mapping", "tenants")
    }
    assert answer["claim_names"]["email"] == "mail"
    assert answer["claim_names"]["groups"] == "groups"
    assert standin.tenants["acme"].attributes == {"plan": "gold"}
    assert "globex" not in standin.tenants


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "not a JSON object"),
        ({"provisionning": True}, "provisionning: no such setting"),
        ({"provisioning": "yes"}, "provisioning: not a value"),
        ({"group_sync": "sometimes"}, "group_sync: not a value"),
        ({"group_sync": None}, "group_sync: not a value"),
        ({"group_mapping": []}, "group_mapping: not a value"),
        ({"group_mapping": {"a": "Sales"}}, "group_mapping: not a value"),
        ({"group_mapping": {"a": [1]}}, "group_mapping: not a value"),
        ({"claim_names": []}, "claim_names: not a value"),
        ({"claim_names": {"mail": "mail"}}, "claim_names: not a value"),
        ({"claim_names": {"email": 1}}, "claim_names: not a value"),
        ({"tenants": ["acme"]}, "tenants: not an object"),
        ({"tenants": {"acme": "yes"}}, "tenants: not an object"),
    ],
)
def test_patch_with_a_mistake(client: Client, standin: Instance, body: Any, words: str) -> None:
    before = repr(standin)
    response = patch(client, body)
    assert response.status_code == 400
    assert words in response.json()["error"]
    assert repr(standin) == before


def test_the_page(client: Client, standin: Instance) -> None:
    page = client.get("/standin/settings")
    assert "Stand-in for Metabase" in page_text(page)
    assert page["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    assert page["Referrer-Policy"] == "same-origin"
    response = client.post("/standin/settings", FORM, headers={"Origin": SITE})
    assert "Saved." in page_text(response)
    configuration = standin.configuration
    assert configuration.sso_enabled
    assert configuration.tenants_enabled
    assert not configuration.provisioning
    assert (configuration.group_sync, configuration.method) == ("manual", "saml")
    assert configuration.group_mapping == {"a": ["Sales"]}
    assert {slug: tenant.is_active for slug, tenant in standin.tenants.items()} == {
        "acme": False,
        "initech": True,
    }


def test_the_page_with_a_mistake(client: Client, standin: Instance) -> None:
    before = repr(standin)
    for change in ({"group_mapping": "{"}, {"group_sync": "x"}):
        response = client.post("/standin/settings", {**FORM, **change})
        assert response.status_code == 400
        assert "Not saved:" in page_text(response)
    assert repr(standin) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:8000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": SITE, "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_site_changes_nothing(client: Client, headers: dict[str, str]) -> None:
    assert patch(client, {}, **headers).status_code == 403
    assert client.post("/standin/settings", FORM, headers=headers).status_code == 403
    assert client.post("/standin/reset", headers=headers).status_code == 403
    assert client.get("/standin/settings", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/auth/sso", "/standin/state", "/standin/settings"])
def test_another_name_for_this_machine(client: Client, path: str) -> None:
    """What DNS rebinding would bring."""
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": SITE, "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://testserver"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_its_own_pages_and_clients_that_are_no_browsers(
    client: Client, headers: dict[str, str]
) -> None:
    assert patch(client, {}, **headers).status_code == 200


def test_the_identity_provider_uri_and_the_clock(client: Client, standin: Instance) -> None:
    uri = "https://other.example/sso"
    patch(client, {"identity_provider_uri": uri, "clock_skew": -1000})
    response = client.get("/auth/sso", headers=SDK)
    assert response.json() == {"url": uri, "method": "jwt"}
    assert client.get("/auth/sso")["Location"] == uri
    behind = time.time() - parsedate_to_datetime(response["Date"]).timestamp()
    assert 999 <= behind <= 1003
    for bad in ({"identity_provider_uri": 1}, {"clock_skew": True}, {"clock_skew": 1.5}):
        assert patch(client, bad).status_code == 400
    patch(client, {"clock_skew": 200})
    response = post(client, "/auth/sso/to_session", {"jwt": token()})
    assert response.json()["message"] == "Token is older than max-age (180)"


def test_saml_alone(client: Client, standin: Instance) -> None:
    patch(client, {"method": "saml_only"})
    for query in ("", "?preferred_method=jwt"):
        assert client.get(f"/auth/sso{query}", headers=SDK).json()["method"] == "saml"
