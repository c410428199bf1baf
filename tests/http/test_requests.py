"""What a request asks for: prefetches, and links that a script loads."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.helpers.sso import NAVIGATION, URL, assert_error


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Sec-Purpose", "prefetch"),  # Turbo 8, while a pointer rests on a link
        ("HX-Preloaded", "true"),  # htmx's preload extension
        ("X-Purpose", "preview"),
        ("Purpose", "Preview"),
        ("Sec-Purpose", "prefetch;anonymous-client-ip"),
        ("Sec-Purpose", "prerender"),
        ("X-Moz", "PREFETCH"),
    ],
)
@pytest.mark.parametrize("query", ["", "?response=json"])
def test_asked_in_advance(
    signed_in: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    query: str,
    header: str,
    value: str,
) -> None:
    with django_assert_num_queries(0):
        response = signed_in.get(URL + query, headers={**NAVIGATION, header: value})
    assert (response.status_code, response.content) == (503, b"")


@pytest.mark.parametrize(
    ("header", "value"), [("HX-Preloaded", "false"), ("Purpose", "navigate"), ("X-Moz", "")]
)
def test_asked_now(signed_in: Client, header: str, value: str) -> None:
    assert signed_in.get(URL, headers={**NAVIGATION, header: value}).status_code == 302


HTMX = {"HX-Request": "true", "Accept": "*/*"}


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?return_to=/dashboard/1", {**HTMX, "Sec-Fetch-Mode": "cors"}),
        ("?return_to=/dashboard/1", HTMX),
        ("", HTMX),
        ("?redirect=/question/2", {"Sec-Fetch-Mode": "cors", "Accept": "text/html"}),
        ("?return_to=/dashboard/1?a=1%26response=json", {"Sec-Fetch-Mode": "same-origin"}),
    ],
)
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_a_link_that_a_script_loads(
    client: Client, signed_in: Client, query: str, headers: dict[str, str], is_signed_in: bool
) -> None:
    asking = signed_in if is_signed_in else Client()
    response = asking.get(URL + query, headers=headers)
    assert_error(response, 409, "navigate")
    assert response["HX-Redirect"] == URL + query


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?response=json&return_to=/dashboard/1", {}),
        ("?response=json", HTMX),
        ("", {"Sec-Fetch-Mode": "cors", "Accept": "*/*"}),  # fetchRequestToken
    ],
)
def test_a_fetch_that_wants_the_token(
    signed_in: Client, query: str, headers: dict[str, str]
) -> None:
    assert list(signed_in.get(URL + query, headers=headers).json()) == ["jwt"]


def test_a_link_that_the_browser_opens(signed_in: Client) -> None:
    path = f"{URL}?return_to=/dashboard/1"
    assert signed_in.get(path, headers={**NAVIGATION, "HX-Boosted": "true"}).status_code == 302
