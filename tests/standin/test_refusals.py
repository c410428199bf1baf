"""How a refusal looks: bare text, JSON or a page; in which language; with hidden stack traces."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from example_project.standin.refusals import Refused, likely_cause
from example_project.standin.state import Instance
from example_project.standin.texts import GERMAN
from tests.helpers.standin import (
    MISSING,
    SDK,
    SITE,
    configure,
    guest,
    page_text,
    post,
    signed,
    token,
)

OFF = "SSO has not been enabled and/or configured"
CORRUPT = "Message seems corrupt or manipulated"
PERSON = {"Sec-Fetch-Mode": "navigate"}
TIMELESS: dict[str, Any] = {"iat": MISSING, "exp": MISSING}


def ways_in(client: Client, sent: str) -> list[Any]:
    """Return the answers to a token that a program brings, in each way but a POST."""
    return [
        client.get("/auth/sso", {"jwt": sent}, headers=SDK),
        client.get("/auth/sso", {"jwt": sent}),
        post(client, "/auth/sso/to_session", {"jwt": sent}),
    ]


def assert_bare(response: Any, status: int, text: str) -> None:
    assert (response.status_code, page_text(response)) == (status, text)
    assert "Content-Type" not in response


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (signed(b"{}", "another secret"), CORRUPT),
        (signed(b"{'"), f"{CORRUPT}."),
        (token(exp=1), "Token is expired (1)"),
        (token(iat=1), "Token is older than max-age (180)"),
        (token(**{**TIMELESS, "nbf": 9_999_999_999}), "Token is not yet valid (9999999999)"),
        (token(**TIMELESS, email=MISSING), "JWT token missing email claim"),
        (token(iat="1"), "class java.lang.String cannot be cast to class java.lang.Number"),
    ],
)
def test_401_is_the_bare_text(client: Client, standin: Instance, sent: str, text: str) -> None:
    for answer in ways_in(client, sent):
        assert_bare(answer, 401, text)
    page = post(client, "/auth/sso", {"jwt": sent}, **SDK)
    assert (page.status_code, page["Content-Type"]) == (401, "text/html; charset=utf-8")
    assert text in page_text(page)
    assert list(standin.refusals) == [text] * 4
    assert not standin.sessions


def test_400_is_json(client: Client, standin: Instance) -> None:
    configure(standin, jwt_enabled=False)
    first, second, third = ways_in(client, token())
    for answer, text in (
        (first, OFF),
        (second, OFF),
        (third, "JWT authentication is not enabled"),
    ):
        said = answer.json()
        assert answer.status_code == 400
        assert (said["message"], said["cause"]) == (text, text)
        assert said["via"][0]["message"] == text
        assert said["trace"]
    assert first.json()["status"] == "error-sso-disabled"
    assert "status" not in third.json()
    for path in ("/auth/sso", "/dashboard/1"):
        assert client.get(path).status_code == 400


def test_402_is_json(client: Client, standin: Instance) -> None:
    configure(standin, is_licensed=False)
    for answer in ways_in(client, token()):
        assert answer.status_code == 402
        assert answer.json()["status"] == "error-premium-feature-not-available"
        assert answer.json()["message"].startswith("JWT-based authentication is a paid feature")


@pytest.mark.parametrize(("version", "is_json"), [(58, True), (63, True), (65, False)])
def test_the_newest_refuses_some_in_plain_text(
    client: Client, standin: Instance, version: int, is_json: bool
) -> None:
    configure(standin, version=version)
    tenant = "Tenants and tenant users are disabled."
    for answer, status, text in [
        (client.get("/auth/sso", {"jwt": token(**{"@tenant": "acme"})}), 403, tenant),
        (client.get("/auth/sso", {"return_to": "//evil.example"}), 400, "Invalid redirect URL"),
    ]:
        if is_json:
            assert (answer.status_code, answer.json()["message"]) == (status, text)
        else:
            assert_bare(answer, status, text)


def test_a_slug_that_cannot_be_has_no_message(client: Client, standin: Instance) -> None:
    configure(standin, use_tenants=True)
    answer = client.get("/auth/sso", {"jwt": token(**{"@tenant": "A B"})}, headers=SDK)
    assert answer.status_code == 400
    assert list(answer.json()) == ["errors"]


def test_hidden_stack_traces(client: Client, standin: Instance) -> None:
    """Every JSON is one sentence; the bare texts stay."""
    configure(standin, environment={"MB_HIDE_STACKTRACES": "true"})
    assert_bare(client.get("/auth/sso", {"jwt": "x"}), 401, CORRUPT)
    configure(standin, jwt_enabled=False)
    for answer in [*ways_in(client, token()), client.get("/auth/sso", headers=SDK)]:
        assert answer.status_code == 400
        assert answer.json() == {"message": "Something went wrong"}
    configure(standin, jwt_enabled=True, use_tenants=True)
    answer = client.get("/auth/sso", {"jwt": token(**{"@tenant": "A B"})})
    assert answer.json() == {"message": "Something went wrong"}


def test_a_german_site(client: Client, standin: Instance) -> None:
    """Most texts are in its language; a request can ask for English, but not for all of them."""
    configure(standin, site_locale="de", use_tenants=True)
    english = {"X-Metabase-Locale": "en"}
    sent = {"jwt": token(email=MISSING)}
    german = GERMAN["JWT token missing email claim"]
    assert_bare(client.get("/auth/sso", sent), 401, german)
    assert_bare(
        client.get("/auth/sso", sent, headers=english), 401, "JWT token missing email claim"
    )
    assert german in page_text(post(client, "/auth/sso", sent))
    assert_bare(client.get("/auth/sso", {"jwt": "x"}), 401, CORRUPT)
    signed_in = client.get("/auth/sso", {"jwt": token(**{"@tenant": "acme"})})
    assert signed_in.status_code == 302
    text = "Tenant claim required for external user"
    assert_bare(client.get("/auth/sso", {"jwt": token()}), 403, text)
    configure(standin, jwt_user_provisioning_enabled=False)
    for headers in ({}, english):
        answer = client.get("/auth/sso", {"jwt": token(email="b@example.com")}, headers=headers)
        assert page_text(answer).startswith("Sie benötigen leider")
    unknown = client.get(f"/api/embed/dashboard/{guest(params={'x': 1})}")
    assert page_text(unknown) == "Unbekannter Parameter :x."
    assert list(standin.refusals)[-1] == "Unknown parameter :x."


def test_a_request_in_german_on_an_english_site(client: Client, standin: Instance) -> None:
    configure(standin, jwt_enabled=False)
    answer = client.get("/auth/sso", headers={"X-Metabase-Locale": "de"})
    assert answer.json()["message"] == GERMAN[OFF]
    assert client.get("/auth/sso").json()["message"] == OFF


@pytest.mark.parametrize("path", ["/auth/sso", "/auth/sso/to_session"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'"x"', b'{"jwt": null}', b"\xff"])
def test_a_body_without_a_token(client: Client, path: str, body: bytes) -> None:
    response = client.post(path, body, content_type="application/json")
    assert response.status_code == 400
    assert "The body must be JSON with the key jwt" in page_text(response)


@pytest.mark.parametrize("number", [42, None])
def test_500_is_json(client: Client, standin: Instance, number: object) -> None:
    configure(standin, version=63)
    answer = client.get("/auth/sso", {"jwt": token(groups=[number])}, headers=SDK)
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/json")


def test_a_person_sees_the_likely_cause(client: Client, standin: Instance) -> None:
    """The stand-in's own help: a browser that loads Metabase's answer shows the text alone."""
    sent = signed(b"{}", "another secret")
    page = client.get("/auth/sso", {"jwt": sent}, headers=PERSON)
    assert page.status_code == 401
    assert f'<h1 id="error">{CORRUPT}</h1>' in page_text(page)
    assert '<p id="cause">' in page_text(page)
    assert sent not in page_text(page)
    assert not page.cookies
    configure(standin, jwt_user_provisioning_enabled=False)
    page = client.get("/auth/sso", {"jwt": token()}, headers=PERSON)
    assert "Sorry, but you&#x27;ll need a Metabase account" in page_text(page)
    assert "User provisioning is off" in page_text(page)
    configure(standin, jwt_enabled=False)
    page = client.get("/dashboard/1", headers=PERSON)
    assert (page.status_code, OFF in page_text(page)) == (400, True)
    assert page["Content-Security-Policy"].endswith("frame-ancestors https://app.example.com")


def test_every_text_has_a_cause() -> None:
    """But the ones that say nothing."""
    silent = {"Something went wrong"}
    assert {text for text in GERMAN if not likely_cause(text)} == silent
    assert likely_cause("Invalid: slug")
    assert Refused("Unknown parameter {}.", 400, part=":x").text == "Unknown parameter :x."


@pytest.mark.parametrize("origin", ["https://evil.example", SITE])
@pytest.mark.parametrize(
    ("changes", "query", "status", "is_open"),
    [
        ({"jwt_enabled": False}, {}, 400, True),
        ({"enable_embedding_modular": False}, {}, 402, True),
        ({"is_licensed": False}, {}, 402, True),
        ({}, {"jwt": "x"}, 401, False),
        ({}, {}, 200, False),
    ],
)
def test_cors_of_refusals(
    client: Client,
    standin: Instance,
    origin: str,
    changes: dict[str, Any],
    query: dict[str, str],
    status: int,
    is_open: bool,
) -> None:
    """400 and 402 of /auth/sso can be read by everybody, and what else depends on the list."""
    configure(standin, **changes)
    answer = client.get("/auth/sso", query, headers={**SDK, "Origin": origin})
    assert answer.status_code == status
    is_listed = origin == SITE
    expected = origin if is_listed else "*" if is_open else None
    assert answer.headers.get("Access-Control-Allow-Origin") == expected
