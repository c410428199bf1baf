"""Answers of JSON: no page can show one in a frame, where a visitor could copy the token out."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.helpers.configure import Configure
from tests.helpers.guests import post
from tests.helpers.sso import FETCH, NAVIGATION, URL


def assert_not_framed(response: Any) -> None:
    assert response["Content-Type"] == "application/json"
    assert response["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert response["X-Frame-Options"] == "DENY"


def test_no_json_is_framed(client: Client, signed_in: Client) -> None:
    in_a_frame = {**NAVIGATION, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    for asking in (signed_in, Client()):
        for headers in ({}, in_a_frame, {"Origin": "https://evil.example"}):
            assert_not_framed(asking.get(FETCH, headers=headers))
    assert_not_framed(signed_in.get(f"{URL}?return_to=/", headers={"HX-Request": "true"}))
    assert_not_framed(signed_in.post(FETCH))


def test_nor_that_of_the_guest_endpoint(configure: Configure, client: Client) -> None:
    assert_not_framed(post(client))


@pytest.mark.parametrize("option", ["SAMEORIGIN", "DENY"])
def test_pages_of_ours_can_be(
    configure: Configure, settings: Settings, client: Client, option: str
) -> None:
    settings.X_FRAME_OPTIONS = option
    configure(ALLOWED_ORIGINS=["https://app.example.com"])
    response = client.get(URL, headers={**NAVIGATION, "Sec-Fetch-Dest": "iframe"})
    assert "X-Frame-Options" not in response
    ancestors = "frame-ancestors 'self' https://app.example.com"
    assert response["Content-Security-Policy"] == ancestors
