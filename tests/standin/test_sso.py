"""The sign-in flows: discovery, tokens from embeds, servers and browsers, sign-out."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from example_project.standin.refusals import CAUSES
from example_project.standin.state import ADMIN_EMAIL, Instance
from example_project.standin.versions import Version
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

SIMPLE = {"X-Metabase-Client": "embedding-simple"}


# Discovery


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


def test_saml_alone(client: Client, standin: Instance) -> None:
    configure(standin, saml_enabled=True, jwt_enabled=False)
    for query in ("", "?preferred_method=jwt"):
        assert client.get(f"/auth/sso{query}", headers=SDK).json()["method"] == "saml"
    assert client.get("/auth/sso", {"jwt": token()}, headers=SDK).status_code == 400


def test_56_answers_a_hash_and_wants_it_back(client: Client, standin: Instance) -> None:
    configure(standin, version=56)
    discovered = client.get("/auth/sso", headers=SDK).json()
    assert set(discovered) == {"url", "method", "hash"}
    sent = {"jwt": token()}
    for headers in (SDK, {**SDK, "X-Metabase-SDK-JWT-Hash": "another"}):
        assert client.get("/auth/sso", sent, headers=headers).json() == discovered
    assert len(standin.sign_ins) == 2  # done all the same, before the hash is looked at
    headers = {**SDK, "X-Metabase-SDK-JWT-Hash": discovered["hash"]}
    assert client.get("/auth/sso", sent, headers=headers).json()["status"] == "ok"


# Embeds


@pytest.mark.parametrize("version", [58, 60, 63, 65])
def test_an_embed_brings_a_token_in_the_query(
    client: Client, standin: Instance, version: int
) -> None:
    configure(standin, version=version)
    now = int(time.time())
    response = client.get("/auth/sso", {"jwt": token(iat=now, exp=now + 60)}, headers=SDK)
    answer = response.json()
    account = standin.account_of(answer.pop("id"))
    assert account
    assert account.email == "ada@example.com"
    assert answer == {"status": "ok", "exp": now + 60, "iat": now}
    assert not response.cookies
    assert [sign_in.how for sign_in in standin.sign_ins] == ["GET"]


@pytest.mark.parametrize("headers", [{}, SDK, SIMPLE])
@pytest.mark.parametrize("version", [60, 63, 65])
def test_an_embed_posts_a_token(
    client: Client, standin: Instance, headers: dict[str, str], version: int
) -> None:
    configure(standin, version=version)
    answer = post(client, "/auth/sso", {"jwt": token()}, **headers).json()
    assert list(answer) == ["status", "id", "exp", "iat"]
    assert standin.account_of(answer["id"])
    assert [sign_in.how for sign_in in standin.sign_ins] == ["POST"]


@pytest.mark.parametrize("version", [56, 58])
def test_a_post_before_2026(client: Client, standin: Instance, version: int) -> None:
    configure(standin, version=version)
    response = post(client, "/auth/sso", {"jwt": token()}, **SDK)
    assert response.status_code == 501
    assert response["Content-Type"].startswith("text/html")
    assert "POST not valid for JWT SSO requests" in page_text(response)
    assert not standin.sign_ins


def test_a_token_without_times(client: Client) -> None:
    """The answer has null for `exp`, which breaks the SDK (metabase/metabase#63599)."""
    answer = post(client, "/auth/sso", {"jwt": token(exp=MISSING, iat=MISSING)}).json()
    assert (answer["status"], answer["exp"], answer["iat"]) == ("ok", None, None)


def test_a_token_again(client: Client) -> None:
    sent = token()
    ids = {post(client, "/auth/sso", {"jwt": sent}).json()["id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize(
    ("client_name", "switch", "text"),
    [
        ("embedding-sdk-react", "sdk", "Embedding SDK for React is disabled."),
        ("embedding-simple", "simple", "Embedded Analytics JS is disabled."),
    ],
)
def test_a_kind_of_embedding_is_off(
    client: Client, standin: Instance, version: int, client_name: str, switch: str, text: str
) -> None:
    """It is found only after the sign-in was done."""
    key = "enable_embedding_modular" if version == 65 else f"enable_embedding_{switch}"
    configure(standin, version=version, **{key: False})
    headers = {"X-Metabase-Client": client_name}
    hashed = {**headers, "X-Metabase-SDK-JWT-Hash": standin.sdk_hash}
    answer = client.get("/auth/sso", {"jwt": token()}, headers=hashed)
    assert [sign_in.email for sign_in in standin.sign_ins] == ["ada@example.com"]
    for response in (answer, client.get("/auth/sso", headers=headers)):
        assert response.status_code == 402
        said = response.json()
        assert said["status"] == f"error-embedding-{switch}-disabled"
        if version == 65 and switch == "simple":
            text = "You need to turn on modular embedding"
        assert said["message"].startswith(text)
    configure(standin, **{key: True})
    assert client.get("/auth/sso", headers=headers).status_code == 200


# Server to server


def test_a_server_asks_for_a_session(client: Client, standin: Instance) -> None:
    answer = post(client, "/auth/sso/to_session", {"jwt": token(groups=["Sales"])}).json()
    assert list(answer) == ["session_token"]
    account = standin.account_of(answer["session_token"])
    assert account
    assert "Sales" in account.groups
    assert [sign_in.how for sign_in in standin.sign_ins] == ["to_session"]


# Browsers


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
    """`token=true` is ignored; 54 and older answered with JSON."""
    response = client.get("/auth/sso", {"jwt": token(), **query})
    assert response.status_code == 302
    assert response["Location"] == location
    cookie = response.cookies["metabase.SESSION"]
    assert standin.account_of(cookie.value)
    assert (cookie["samesite"], cookie["httponly"], cookie["path"]) == ("Lax", True, "/")
    assert not cookie["secure"]
    assert [sign_in.how for sign_in in standin.sign_ins] == ["navigation"]


def test_the_cookie_is_secure_over_https(client: Client, standin: Instance) -> None:
    configure(standin, site_url="https://metabase.example.com", session_cookie_samesite="none")
    cookie = client.get("/auth/sso", {"jwt": token()}).cookies["metabase.SESSION"]
    assert (cookie["secure"], cookie["samesite"]) == (True, "None")


@pytest.mark.parametrize("name", ["return_to", "redirect"])
def test_a_bad_return_to(client: Client, standin: Instance, name: str) -> None:
    response = client.get("/auth/sso", {name: "https://evil.example/", "jwt": token()})
    assert (response.status_code, response.content) == (400, b"Invalid redirect URL")
    assert not standin.sign_ins


def test_only_redirect_is_passed_on_to_the_provider(client: Client, standin: Instance) -> None:
    """As `return_to`, neither encoded nor checked; a `return_to` is lost."""
    assert client.get("/auth/sso")["Location"] == PROVIDER
    assert client.get("/auth/sso", {"return_to": "/dashboard/1"})["Location"] == PROVIDER
    for path in ("/dashboard/1?tab=2&a=b", "https://evil.example/"):
        response = client.get("/auth/sso", {"redirect": path})
        assert response["Location"] == f"{PROVIDER}?return_to={path}"


@pytest.mark.parametrize(
    ("version", "status"), [(56, 302), (58, 400), (60, 400), (63, 400), (65, 400)]
)
def test_a_bad_return_to_without_a_token(
    client: Client, standin: Instance, version: int, status: int
) -> None:
    configure(standin, version=version)
    response = client.get("/auth/sso", {"return_to": "https://evil.example/"})
    assert response.status_code == status


# Sessions


def test_signing_out_is_done_by_a_script(browse: SignIn, standin: Instance) -> None:
    """The page is for anybody, and a GET ends nothing; what its script calls does."""
    client = browse()
    response = client.get("/auth/logout")
    assert response.status_code == 200
    assert not response.cookies
    assert standin.sessions
    assert "/app/logout.js" in page_text(response)
    assert "DELETE" in page_text(client.get("/app/logout.js"))
    ended = client.delete("/api/session")
    assert ended.cookies["metabase.SESSION"]["max-age"] == 0
    assert not standin.sessions
    assert client.get("/").status_code == 302
    assert client.get("/auth/logout").status_code == 200


@pytest.mark.parametrize(
    ("version", "wins"),
    [(56, "cookie"), (58, "header"), (60, "cookie"), (63, "header"), (65, "header")],
)
def test_header_and_cookie(browse: SignIn, standin: Instance, version: int, wins: str) -> None:
    """metabase/metabase#81165, backported to 58 and 63. A dead one is 401 where it wins."""
    configure(standin, version=version)
    client = browse()
    body = {"jwt": token(email=ADMIN_EMAIL)}
    session = post(Client(), "/auth/sso/to_session", body).json()["session_token"]
    path, headers = "/api/user/current", {"X-Metabase-Session": session}
    assert client.get(path).json()["email"] == "ada@example.com"
    assert Client().get(path, headers=headers).json()["email"] == ADMIN_EMAIL
    email = ADMIN_EMAIL if wins == "header" else "ada@example.com"
    assert client.get(path, headers=headers).json()["email"] == email
    dead = {"X-Metabase-Session": "no"}
    assert client.get(path, headers=dead).status_code == (401 if wins == "header" else 200)
    assert Client().get(path, headers=dead).status_code == 401


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


def test_a_forged_token(client: Client, standin: Instance) -> None:
    assert client.get("/auth/sso", {"jwt": signed(b"{}", "another")}).status_code == 401
    assert not standin.sessions
