"""Guest embeds in a page, as functions."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from django_metabase_sso import embeds
from django_metabase_sso.exceptions import BadSetting, InvalidEmbed, InvalidParameter
from tests.conftest import Configure
from tests.settings import EMBEDDING_SECRET
from tests.test_guest_tokens import claims_of
from tests.values.test_elements import read

INSTANCE = "https://metabase.example.com"


@pytest.fixture(autouse=True)
def _embedding_secret(configure: Configure) -> None:
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET)


@pytest.fixture
def request_() -> HttpRequest:
    return RequestFactory().get("/")


FUNCTIONS: list[tuple[Any, str]] = [
    (embeds.guest_dashboard_html, "dashboard"),
    (embeds.guest_question_html, "question"),
]


@pytest.mark.parametrize(("function", "kind"), FUNCTIONS)
def test_with_params(request_: HttpRequest, function: Any, kind: str) -> None:
    html = function(request_, 10, {"region": "north"}, with_title=True)
    name, attributes = read(html)
    claims = claims_of(attributes.pop("token") or "")
    assert claims["resource"] == {kind: 10}
    assert claims["params"] == {"region": "north"}
    assert (name, attributes) == (f"metabase-{kind}", {"with-title": "true"})


@pytest.mark.parametrize(("function", "kind"), FUNCTIONS)
def test_without_params_the_browser_asks(configure: Configure, function: Any, kind: str) -> None:
    configure(GUEST_PARAMS=dict)
    html = function(None, 10, custom_context={"customer": "a"}, with_title=True)
    assert read(html) == (
        f"metabase-{kind}",
        {f"{kind}-id": "10", "custom-context": '{"customer": "a"}', "with-title": "true"},
    )
    with pytest.raises(InvalidEmbed, match="write 10"):
        function(None, "10")


@pytest.mark.parametrize(("function", "kind"), FUNCTIONS)
def test_without_params_and_guest_params(function: Any, kind: str) -> None:
    with pytest.raises(InvalidEmbed, match=rf"A guest {kind} needs params: write params=\{{\}}"):
        function(None, 10)


@pytest.mark.parametrize("params", [None, {}])
def test_without_the_secret(configure: Configure, request_: HttpRequest, params: Any) -> None:
    configure(EMBEDDING_SECRET_KEY=None, GUEST_PARAMS=dict)
    with pytest.raises(BadSetting, match=r"'EMBEDDING_SECRET_KEY'\] is missing, and signs guest"):
        embeds.guest_dashboard_html(request_, 10, params)


def test_a_variable_that_was_not_there(request_: HttpRequest) -> None:
    with pytest.raises(InvalidParameter, match="str is not a mapping"):
        embeds.guest_dashboard_html(request_, 10, "")


@pytest.mark.parametrize("kind", ["dashboard", "question"])
def test_static_iframe(request_: HttpRequest, kind: str) -> None:
    items: dict[str, Any] = {kind: 10}
    html = embeds.static_iframe_html(
        request_, **items, params={"region": "north"}, bordered=True, titled=False, height=400
    )
    name, attributes = read(html)
    address, _, fragment = (attributes.pop("src") or "").partition("#")
    before, _, token = address.rpartition("/")
    assert claims_of(token)["resource"] == {kind: 10}
    assert before == f"{INSTANCE}/embed/{kind}"
    assert fragment == "bordered=true&titled=false"
    assert (name, attributes) == (
        "iframe",
        {
            "title": "Metabase",
            "loading": "lazy",
            "width": "100%",
            "height": "400",
            "frameborder": "0",
        },
    )


def test_static_embed_without_an_appearance() -> None:
    assert "#" not in embeds.static_embed_url("question", 5, {})


@pytest.mark.parametrize("items", [{}, {"dashboard": 10, "question": 5}])
def test_static_iframe_shows_one_thing(request_: HttpRequest, items: dict[str, Any]) -> None:
    with pytest.raises(InvalidEmbed, match=r"write \{% metabase_static_iframe dashboard=10"):
        embeds.static_iframe_html(request_, params={}, **items)


@pytest.mark.parametrize("kind", ["dashboard", "question"])
@pytest.mark.parametrize("missing", ["", 0])
def test_static_iframe_of_nothing(request_: HttpRequest, kind: str, missing: Any) -> None:
    items: dict[str, Any] = {kind: missing}
    with pytest.raises(InvalidEmbed, match=f"{missing!r} is no id"):
        embeds.static_iframe_html(request_, params={}, **items)


def test_static_iframe_with_an_unknown_option(request_: HttpRequest) -> None:
    with pytest.raises(InvalidEmbed, match=r"'border' is none of .*bordered"):
        embeds.static_iframe_html(request_, dashboard=10, params={}, border=True)
    with pytest.raises(InvalidEmbed, match="theme: no JSON"):
        embeds.static_iframe_html(request_, dashboard=10, params={}, theme=object())


@pytest.mark.parametrize(
    "render",
    [
        lambda: embeds.guest_dashboard_html(None, 10, {}),
        lambda: embeds.static_iframe_html(None, question=5, params={}),
    ],
)
def test_a_token_needs_the_request(render: Any) -> None:
    with pytest.raises(InvalidEmbed, match=r"django\.template\.context_processors\.request"):
        render()
