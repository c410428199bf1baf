"""What the SDK calls, and what everybody sees."""

from __future__ import annotations

from django.test import Client

from tests.helpers.standin import SITE, SignIn, post, token


def test_health(client: Client) -> None:
    assert client.get("/api/health").json() == {"status": "ok"}


def test_the_current_user(browse: SignIn) -> None:
    claims = {"first_name": "Ada", "last_name": "Lovelace", "region": "North"}
    user = browse(**claims).get("/api/user/current").json()
    assert user["common_name"] == "Ada Lovelace"
    assert user["jwt_attributes"] == {"region": "North"}
    assert (user["sso_source"], user["is_active"], user["is_superuser"]) == ("jwt", True, False)


def test_nobody(client: Client) -> None:
    for response in [
        client.get("/api/user/current"),
        post(client, "/api/dashboard", {"name": "x"}),
    ]:
        assert (response.status_code, response.content) == (401, b"Unauthenticated")


def test_properties(client: Client) -> None:
    properties = client.get("/api/session/properties").json()
    assert properties["version"] == {"tag": "v1.65.1"}
    assert properties["site-url"] == SITE
    assert "https://app.example.com" in properties["embedding-app-origins-sdk"]
    assert not [key for key in properties if key.startswith("enable-embedding")]


def test_properties_of_somebody(browse: SignIn) -> None:
    properties = browse().get("/api/session/properties").json()
    assert properties["enable-embedding-sdk"] is properties["enable-embedding-modular"] is True
    assert not [key for key in properties if "secret" in key]


def test_a_dashboard(browse: SignIn) -> None:
    client = browse()
    dashboard = post(client, "/api/dashboard", {"name": "Sales"}).json()
    assert (dashboard["name"], dashboard["creator_id"]) == ("Sales", 2)
    assert post(client, "/api/dashboard", {}).status_code == 400
    assert post(client, "/api/dashboard", "x").status_code == 400


def test_no_dashboards_to_list(browse: SignIn) -> None:
    assert browse().get("/api/dashboard").json() == []


def test_any_other_path(client: Client) -> None:
    response = client.get("/api/database")
    assert (response.status_code, response.content) == (404, b"API endpoint does not exist.")


def test_the_end_of_a_session(client: Client) -> None:
    session = post(client, "/auth/sso/to_session", {"jwt": token()}).json()["session_token"]
    headers = {"X-Metabase-Session": session}
    assert client.delete("/api/session", headers=headers).status_code == 204
    assert client.get("/api/user/current", headers=headers).status_code == 401
    assert client.delete("/api/session", headers=headers).status_code == 404
    assert client.delete("/api/session").status_code == 404
