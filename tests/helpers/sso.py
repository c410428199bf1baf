"""Sends requests to `/sso/metabase`, and checks what all of its answers have in common."""

from __future__ import annotations

from typing import Any

from pytest_django import Settings

URL = "/sso/metabase"
FETCH = f"{URL}?response=json"
NAVIGATION = {"Accept": "text/html,application/xhtml+xml;q=0.9"}
REFUSALS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"is_active": False}, {}, "inactive"),
    ({"email": ""}, {}, "no-email"),
    ({"email": " ada@example.com"}, {}, "invalid-email"),
    ({}, {"ACCESS_POLICY": lambda user, request: False}, "policy"),
    ({}, {"TENANT": lambda user, request: None}, "no-tenant"),
]
SAFE_HEADERS = {
    "Cache-Control": "max-age=0, no-cache, no-store, must-revalidate, private",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def assert_safe(response: Any) -> None:
    for name, value in SAFE_HEADERS.items():
        assert response[name] == value
    assert {"Cookie", "Origin"} <= set(response["Vary"].split(", "))
    # wsgiref, which runserver uses, refuses headers that are a subclass of str.
    assert {type(value) for value in response.headers.values()} == {str}


def assert_error(response: Any, status: int, code: str) -> None:
    """Assert that the answer has the form of all refusals of API requests."""
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    assert list(response.json()) == ["status", "code", "message"]
    assert response.json()["status"] == "error"
    assert response.json()["code"] == code
    assert response.json()["message"]
    assert_safe(response)


def as_backend(settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
