"""What has to be set: origins whose pages may call."""

from __future__ import annotations

import pytest
from django.test import Client

from example_project.standin.cors import is_allowed
from example_project.standin.state import Instance
from tests.helpers.standin import SDK, configure

ALLOWED = [
    "https://app.example.com",
    "http://localhost",
    "http://localhost:8000",
    "https://localhost:1",
    "http://127.0.0.1:8000",
    "http://[::1]:8000",
]
OTHERS = [
    "https://app.example.com:444",
    "http://app.example.com",
    "https://evil.example",
    "http://localhost.evil.example",
    "http://localhost:8000.evil.example",
    "null",
]


def preflight(client: Client, origin: str, path: str = "/auth/sso") -> dict[str, str]:
    asked = {"Access-Control-Request-Method": "GET", "Origin": origin}
    response = client.options(path, headers=asked)
    assert response.status_code == 200
    return {name.lower(): value for name, value in response.items()}


@pytest.mark.parametrize("origin", ALLOWED)
@pytest.mark.parametrize("path", ["/auth/sso", "/api/user/current", "/api/unknown"])
def test_a_preflight(client: Client, origin: str, path: str) -> None:
    headers = preflight(client, origin, path)
    assert headers["access-control-allow-origin"] == origin
    assert headers["access-control-allow-headers"] == "*"
    assert "POST" in headers["access-control-allow-methods"]
    assert "Origin" in headers["vary"]


@pytest.mark.parametrize("origin", OTHERS)
def test_a_preflight_of_another_origin(client: Client, origin: str) -> None:
    """Only one of /api/ says whether an origin is let in: /auth/sso says yes to everybody."""
    headers = preflight(client, origin, "/api/user/current")
    assert not [name for name in headers if name.startswith("access-control-")]
    assert "Origin" in headers["vary"]
    assert preflight(client, origin)["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/auth/sso", 200),
        ("/auth/sso?jwt=x", 401),
        ("/api/user/current", 401),
        ("/api/no", 404),
        ("/api/session", 405),
    ],
)
def test_answers_whatever_their_status(client: Client, path: str, status: int) -> None:
    for origin in ALLOWED + OTHERS:
        response = client.get(path, headers={**SDK, "Origin": origin})
        assert response.status_code == status
        expected = origin if origin in ALLOWED else None
        assert response.headers.get("Access-Control-Allow-Origin") == expected
        assert "Access-Control-Allow-Credentials" not in response
        exposed = response.headers.get("Access-Control-Expose-Headers", "")
        assert ("X-Metabase-Version" in exposed) == (origin in ALLOWED)
        assert "Origin" in response["Vary"]


@pytest.mark.parametrize(
    ("entries", "origin", "is_in"),
    [
        ("https://*.example.com", "https://a.example.com", True),
        ("https://*.example.com", "https://a.b.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "http://a.example.com", False),
        ("https://*.example.com", "https://a.example.com.evil.example", False),
        ("https://a.example:*", "https://a.example:8443", True),
        ("https://a.example:*", "https://a.example", True),
        ("https://a.example:8443", "https://a.example", False),
        ("a.example b.example", "http://b.example", True),
        ("https://A.example/", "https://a.example", True),
        ("not:an:origin", "https://a.example", False),
        ("", "https://a.example", False),
        ("https://a.example", "https://a.example/", False),
        ("https://a.example", "https://u@a.example", False),
        ("https://a.example", "https://a.example:x", False),
        ("ftp://a.example a.example", "ftp://a.example", False),
    ],
)
def test_entries_of_the_list(standin: Instance, entries: str, origin: str, is_in: bool) -> None:
    """What has to be set: wildcards and ports are allowed, and entries are split by spaces."""
    configure(standin, embedding_app_origins_sdk=entries)
    assert is_allowed(origin, standin.configuration) is is_in


def test_loopback_can_be_switched_off(standin: Instance) -> None:
    configure(standin, disable_cors_on_localhost=True, embedding_app_origins_sdk=None)
    assert not is_allowed("http://127.0.0.1:8000", standin.configuration)


def test_without_an_origin(client: Client) -> None:
    response = client.get("/api/health")
    assert "Access-Control-Allow-Origin" not in response
    assert response["Vary"] == "Origin"
    assert client.options("/auth/sso").status_code == 405


@pytest.mark.parametrize("path", ["/", "/standin/state", "/standin/settings"])
def test_other_paths(client: Client, path: str) -> None:
    response = client.get(path, headers={"Origin": ALLOWED[0]})
    assert "Access-Control-Allow-Origin" not in response
