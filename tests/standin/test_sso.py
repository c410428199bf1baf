from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.test import Client

from example_project.standin.refusals import CAUSES
from example_project.standin.state import ADMIN_EMAIL, Instance
from tests.helpers.standin import (
    MISSING,
    PROVIDER,
    SDK,
    SECRET,
    SITE,
    SignIn,
    configure,
    page_text,
    post,
    signed,
    token,
)

OFF = "SSO has not been enabled and/or configured"
CORRUPT = "Message seems corrupt or manipulated"


def test_discovery(client: Client) -> None:
    response = client.get("/auth/sso", headers=SDK)
    assert response.json() == {"url": PROVIDER, "method": "jwt"}
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("query", "method"), [({}, "saml"), ({"preferred_method": "jwt"}, "jwt")])
def test_discovery_with_saml_on(
    client: Client, standin: Instance, query: dict[str, str], method: str
) -> None:
    configure(standin, saml_enabled=True)
    assert client.get("/auth/sso", query, headers=SDK).json()["method"] == method


def test_an_embed_brings_a_token_in_the_query(client: Client, standin: Instance) -> None:
    now = int(time.time())
    response = client.get("/auth/sso", {"jwt": token(iat=now, exp=now + 60)}, headers=SDK)
    answer = response.json()
    account = standin.account_of(answer.pop("id"))
    assert account
    assert account.email == "ada@example.com"
    assert answer == {"status": "ok", "exp": now + 60, "iat": now}
    assert not response.cookies
    assert [sign_in.how for sign_in in standin.sign_ins] == ["GET"]


@pytest.mark.parametrize("headers", [{}, SDK, {"X-Metabase-Client": "embedding-simple"}])
def test_an_embed_posts_a_token(
    client: Client, standin: Instance, headers: dict[str, str]
) -> None:
    answer = post(client, "/auth/sso", {"jwt": token()}, **headers).json()
    assert list(answer) == ["status", "id", "exp", "iat"]
    assert standin.account_of(answer["id"])
    assert [sign_in.how for sign_in in standin.sign_ins] == ["POST"]


def test_a_token_without_times(client: Client) -> None:
    """The answer has null for `exp`, which breaks the SDK (metabase/metabase#63599)."""
    answer = post(client, "/auth/sso", {"jwt": token(exp=MISSING, iat=MISSING)}).json()
    assert (answer["status"], answer["exp"], answer["iat"]) == ("ok", None, None)


def test_a_token_again(client: Client) -> None:
    sent = token()
    ids = {post(client, "/auth/sso", {"jwt": sent}).json()["id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("path", ["/auth/sso", "/auth/sso/to_session"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'"x"', b'{"jwt": null}', b"\xff"])
def test_a_body_without_a_token(client: Client, path: str, body: bytes) -> None:
    response = client.post(path, body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["status"] == "error"


def test_a_server_asks_for_a_session(client: Client, standin: Instance) -> None:
    answer = post(client, "/auth/sso/to_session", {"jwt": token(groups=["Sales"])}).json()
    assert list(answer) == ["session_token"]
    account = standin.account_of(answer["session_token"])
    assert account
    assert "Sales" in account.groups
    assert [sign_in.how for sign_in in standin.sign_ins] == ["to_session"]


def ways_in(client: Client, sent: str) -> list[Any]:
    """Return the answers to a token brought in each way; the last is a page."""
    return [
        client.get("/auth/sso", {"jwt": sent}, headers=SDK),
        post(client, "/auth/sso", {"jwt": sent}),
        post(client, "/auth/sso/to_session", {"jwt": sent}),
        client.get("/auth/sso", {"jwt": sent}),
    ]


@pytest.mark.parametrize(
    ("sent", "status", "text"),
    [
        (signed(b"{}", "another secret"), 401, CORRUPT),
        (signed(b"{'"), 401, f"{CORRUPT}."),
        (token(exp=1), 401, "Token is expired (1)"),
        (token(iat=1), 401, "Token is older than max-age (180)"),
        (
            token(nbf=9_999_999_999, iat=MISSING, exp=MISSING),
            401,
            "Token is not yet valid (9999999999)",
        ),
        (token(email=MISSING, iat=MISSING, exp=MISSING), 401, "JWT token missing email claim"),
    ],
)
def test_a_token_that_is_refused(
    client: Client, standin: Instance, sent: str, status: int, text: str
) -> None:
    *answers, page = ways_in(client, sent)
    for answer in answers:
        assert json.loads(answer.content) == {"status": "error", "message": text}
        assert answer.status_code == status
    assert page.status_code == status
    assert f'<h1 id="error">{text}</h1>' in page_text(page)
    assert '<p id="cause">' in page_text(page)
    assert sent not in page_text(page)
    assert not page.cookies
    assert list(standin.refusals) == [text] * 4
    assert not standin.sessions


def test_a_refused_account_on_a_page(client: Client, standin: Instance) -> None:
    configure(standin, jwt_user_provisioning_enabled=False)
    page = client.get("/auth/sso", {"jwt": token()})
    assert page.status_code == 401
    assert "Sorry, but you&#x27;ll need a metabase account" in page_text(page)
    assert "User provisioning is off" in page_text(page)


def test_sso_switched_off(client: Client, standin: Instance) -> None:
    configure(standin, jwt_enabled=False)
    *answers, page = ways_in(client, token())
    for answer in [*answers, client.get("/auth/sso", headers=SDK)]:
        assert (answer.status_code, json.loads(answer.content)["message"]) == (400, OFF)
    for response in [page, client.get("/auth/sso"), client.get("/dashboard/1")]:
        assert response.status_code == 400
        assert OFF in page_text(response)


@pytest.mark.parametrize(
    ("client_name", "switch"),
    [("embedding-sdk-react", "sdk"), ("embedding-simple", "simple")],
)
def test_a_kind_of_embedding_switched_off(
    client: Client, standin: Instance, client_name: str, switch: str
) -> None:
    headers = {"X-Metabase-Client": client_name}
    configure(standin, version=63, **{f"enable_embedding_{switch}": False})
    for response in [
        client.get("/auth/sso", headers=headers),
        client.get("/auth/sso", {"jwt": token()}, headers=headers),
        post(client, "/auth/sso", {"jwt": token()}, **headers),
    ]:
        assert response.status_code == 402
        assert response.json()["status"] == f"error-embedding-{switch}-disabled"
    configure(standin, **{f"enable_embedding_{switch}": True})
    assert client.get("/auth/sso", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ({}, "/"),
        ({"return_to": "/dashboard/1?tab=2&city=Oslo"}, "/dashboard/1?tab=2&city=Oslo"),
        ({"return_to": f"{SITE}/question/5", "token": "true"}, f"{SITE}/question/5"),
        ({"redirect": "/dashboard/é"}, "/dashboard/%C3%A9"),
        ({"return_to": ""}, "/"),
    ],
)
def test_a_browser_brings_a_token(
    client: Client, standin: Instance, query: dict[str, str], location: str
) -> None:
    response = client.get("/auth/sso", {"jwt": token(), **query})
    assert response.status_code == 302
    assert response["Location"] == location
    cookie = response.cookies["metabase.SESSION"]
    assert standin.account_of(cookie.value)
    assert (cookie["samesite"], cookie["httponly"], cookie["path"]) == ("Lax", True, "/")
    assert not cookie["secure"]
    assert [sign_in.how for sign_in in standin.sign_ins] == ["navigation"]


def test_the_cookie_is_secure_over_https(client: Client, standin: Instance) -> None:
    configure(standin, site_url="https://metabase.example.com")
    response = client.get("/auth/sso", {"jwt": token()})
    assert response.cookies["metabase.SESSION"]["secure"]


@pytest.mark.parametrize("name", ["return_to", "redirect"])
@pytest.mark.parametrize("extra", [{}, {"jwt": token(iat=MISSING, exp=MISSING)}])
def test_a_bad_return_to(
    client: Client, standin: Instance, name: str, extra: dict[str, str]
) -> None:
    response = client.get("/auth/sso", {name: "https://evil.example/", **extra})
    assert response.status_code == 400
    assert "Invalid redirect URL" in page_text(response)
    assert not standin.sign_ins


def test_a_browser_without_a_token_is_sent_to_sign_in(client: Client) -> None:
    assert client.get("/auth/sso")["Location"] == PROVIDER
    response = client.get("/auth/sso", {"redirect": "/dashboard/1?tab=2&a=b"})
    assert response["Location"] == f"{PROVIDER}?return_to=/dashboard/1?tab=2&a=b"


def test_signing_out(browse: SignIn, standin: Instance) -> None:
    client = browse()
    assert client.get("/").status_code == 200
    response = client.get("/auth/logout")
    assert response.status_code == 200
    assert response.cookies["metabase.SESSION"]["max-age"] == 0
    assert not standin.sessions
    assert client.get("/").status_code == 302
    assert client.get("/auth/logout").status_code == 200


def test_the_header_wins_over_the_cookie(browse: SignIn) -> None:
    """metabase/metabase#81165."""
    client = browse()
    body = {"jwt": token(email=ADMIN_EMAIL)}
    session = post(client, "/auth/sso/to_session", body).json()["session_token"]
    path = "/api/user/current"
    assert client.get(path).json()["email"] == "ada@example.com"
    headers = {"X-Metabase-Session": session}
    assert client.get(path, headers=headers).json()["email"] == ADMIN_EMAIL
    assert client.get(path, headers={"X-Metabase-Session": "no"}).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [("put", "/auth/sso"), ("get", "/auth/sso/to_session"), ("post", "/auth/logout")],
)
def test_other_methods(client: Client, method: str, path: str) -> None:
    assert getattr(client, method)(path).status_code == 405


def test_each_cause_is_a_sentence() -> None:
    assert all(cause.endswith(".") for cause in CAUSES.values())


def test_no_secret_on_any_page(browse: SignIn) -> None:
    client = browse()
    for path in ("/", "/standin/settings", "/standin/state", "/api/session/properties"):
        assert SECRET not in page_text(client.get(path))
