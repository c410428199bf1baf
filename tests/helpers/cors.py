"""Requests from other origins."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tests.helpers.sso import FETCH

APP = "https://app.example.com"
EVIL = "https://evil.example"


def preflight(client: Client, origin: str, path: str = FETCH, **headers: str) -> Any:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    return client.options(path, headers={**asked, **headers})


def assert_open(response: Any, origin: str = APP) -> None:
    assert response["Access-Control-Allow-Origin"] == origin
    assert response["Access-Control-Allow-Credentials"] == "true"
    assert "origin" in response["Vary"].lower().split(", ")


def assert_closed(response: Any) -> None:
    assert "Access-Control-Allow-Origin" not in response
    assert "Access-Control-Allow-Credentials" not in response
