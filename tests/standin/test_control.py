from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.test import Client

from example_project.standin.state import Instance
from tests.helpers.standin import KEY, PROVIDER, SDK, SITE, SignIn, page_text, post, token

SHOWN = (
    "jwt-enabled",
    "jwt-user-provisioning-enabled?",
    "jwt-identity-provider-uri",
    "jwt-group-mappings",
    "use-tenants",
    "saml-enabled",
    "enable-embedding-modular",
)
FORM = {
    "shown": SHOWN,
    "jwt-enabled": "on",
    "jwt-identity-provider-uri": PROVIDER,
    "jwt-group-mappings": '{"a": [6]}',
    "use-tenants": "on",
    "tenants": '{"acme": false, "initech": true}',
    "saml-enabled": "on",
    "version": "63",
    "clock_skew": "-5",
    "is_licensed": "on",
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
    assert KEY not in page_text(response)
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
    patch(client, {"jwt-user-provisioning-enabled?": False})
    assert client.post("/standin/reset").status_code == 200
    assert len(standin.accounts) == 1
    assert not standin.sessions
    assert standin.configuration["jwt-user-provisioning-enabled?"]
    assert client.get("/standin/reset").status_code == 405
    response = client.post("/standin/reset", headers={"Sec-Fetch-Mode": "navigate"})
    assert response["Location"] == "/standin/settings"


def test_the_defaults(client: Client) -> None:
    defaults = client.get("/standin/state").json()["settings"]
    assert defaults["jwt-enabled"] is defaults["jwt-user-provisioning-enabled?"] is True
    assert (defaults["use-tenants"], defaults["version"]) == (False, 65)
    assert not [key for key in defaults if "secret" in key]


def test_patch(client: Client, standin: Instance) -> None:
    standin.tenants["acme"].attributes["plan"] = "gold"
    values = {
        "jwt-group-mappings": {"a": [6]},
        "tenants": {"acme": False, "new": True},
        "jwt_attribute_email": "mail",
        "use_tenants": "true",
    }
    answer = patch(client, values).json()
    assert answer["jwt-group-mappings"] == {"a": [6]}
    assert answer["tenants"] == {"acme": False, "new": True}
    assert (answer["jwt-attribute-email"], answer["use-tenants"]) == ("mail", True)
    assert standin.tenants["acme"].attributes == {"plan": "gold"}
    assert "globex" not in standin.tenants


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "not a JSON object"),
        ({"jwt_enabledd": True}, "jwt_enabledd: no such setting"),
        ({"jwt_enabled": "yes"}, "jwt-enabled: this value is not valid"),
        ({"jwt_group_mappings": []}, "jwt-group-mappings: this value is not valid"),
        ({"jwt_group_mappings": {"a": 6}}, "jwt-group-mappings: this value is not valid"),
        ({"jwt_group_mappings": {"a": ["Sales"]}}, "jwt-group-mappings: this value is not valid"),
        ({"jwt_group_mappings": "{"}, "jwt-group-mappings: not JSON"),
        ({"jwt_attribute_email": 1}, "jwt-attribute-email: this value is not valid"),
        ({"embedding_secret_key": "not hexadecimal"}, "embedding-secret-key: not 64"),
        ({"version": 57}, "version: one of 56, 58, 60, 63, 65"),
        ({"version": 56, "use_tenants": True}, "use_tenants: no such setting"),
        ({"is_licensed": 1}, "is_licensed true or false"),
        ({"environment": ["MB_JWT_ENABLED"]}, "environment: not an object"),
        ({"environment": {"MB_JWT_ENABLED": True}}, "environment: not an object"),
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
    for key in ("jwt-enabled", "use-tenants", "saml-enabled"):
        assert configuration[key]
    assert not configuration["jwt-user-provisioning-enabled?"]
    assert configuration["jwt-group-mappings"] == {"a": [6]}
    assert (standin.version, standin.clock_skew, standin.is_licensed) == (63, -5, True)
    assert {slug: tenant.is_active for slug, tenant in standin.tenants.items()} == {
        "acme": False,
        "initech": True,
    }


def test_the_page_with_a_mistake(client: Client, standin: Instance) -> None:
    before = repr(standin)
    for change in ({"jwt-group-mappings": "{"}, {"tenants": "{"}, {"version": "x"}):
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
    patch(client, {"jwt-identity-provider-uri": uri, "clock_skew": -1000})
    response = client.get("/auth/sso", headers=SDK)
    assert response.json() == {"url": uri, "method": "jwt"}
    assert client.get("/auth/sso")["Location"] == uri
    behind = time.time() - parsedate_to_datetime(response["Date"]).timestamp()
    assert 999 <= behind <= 1003
    for bad in ({"jwt-identity-provider-uri": 1}, {"clock_skew": True}, {"clock_skew": 1.5}):
        assert patch(client, bad).status_code == 400
    patch(client, {"clock_skew": 200})
    response = post(client, "/auth/sso/to_session", {"jwt": token()})
    assert response.content == b"Token is older than max-age (180)"


def test_a_page_of_another_version(client: Client, standin: Instance) -> None:
    """Each version has its own switches, and what it does not know is left out."""
    assert "enable-embedding-sdk" not in page_text(client.get("/standin/settings"))
    client.post("/standin/settings", {**FORM, "version": "56"})
    text = page_text(client.get("/standin/settings"))
    assert standin.version == 56
    assert "enable-embedding-sdk" in text
    assert "enable-embedding-modular" not in text
    assert '<option value="56" selected>' in text
    assert '<input type="hidden" name="tenants"' in text


def test_what_the_environment_sets_is_not_to_be_changed(client: Client, standin: Instance) -> None:
    patch(client, {"environment": {"MB_JWT_GROUP_SYNC": "false"}})
    assert "set by MB_JWT_GROUP_SYNC" in page_text(client.get("/standin/settings"))
    patch(client, {"jwt-group-sync": True})
    assert not standin.configuration["jwt-group-sync"]
    patch(client, {"environment": {}})
    assert standin.configuration["jwt-group-sync"]


def make(client: Client, **fields: Any) -> Any:
    return post(client, "/standin/accounts", fields)


def test_many_accounts(client: Client, standin: Instance) -> None:
    answer = make(
        client, count=3, email="p{}@example.com", first_name="P{}", groups=["Sales"], tenant="acme"
    )
    assert answer.json() == {"made": 3, "total": 4}
    account = standin.accounts.get("p2@example.com")
    assert account
    assert (account.first_name, account.sso_source, account.tenant) == ("P2", "jwt", "acme")
    assert account.groups == {"Sales"}
    assert make(client, email="P2@example.com", is_active=False).json()["total"] == 4
    again = standin.accounts.get("p2@example.com")
    assert again
    assert (again.id, again.is_active) == (account.id, False)


@pytest.mark.parametrize("fields", [{}, {"email": 1}, {"email": "a@b.c", "e_mail": ""}])
def test_accounts_that_cannot_be(client: Client, fields: dict[str, Any]) -> None:
    assert make(client, **fields).status_code == 400


def test_the_page_with_many_accounts(client: Client) -> None:
    make(client, count=100, email="p{}@example.com", is_active=False)
    text = page_text(client.get("/standin/settings"))
    assert "And 51 more." in text
    assert "p7@example.com <span" in text
    assert "deactivated)" in text
