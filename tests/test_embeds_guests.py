"""Guest embeds in a page, as functions."""

from __future__ import annotations

import pprint
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from django_metabase_sso import embeds
from django_metabase_sso.exceptions import BadSetting, InvalidEmbed, InvalidParameter
from tests.helpers.configure import Configure
from tests.helpers.guests import ENTITY_ID
from tests.helpers.html import read
from tests.helpers.redaction import JWT
from tests.helpers.tokens import claims_of
from tests.settings import EMBEDDING_SECRET

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
        {f"{kind}-id": "10", "custom-context": 'json:{"customer": "a"}', "with-title": "true"},
    )
    with pytest.raises(InvalidEmbed, match="Write 10"):
        function(None, "10")


@pytest.mark.parametrize(("function", "kind"), FUNCTIONS)
def test_without_params_and_guest_params(function: Any, kind: str) -> None:
    with pytest.raises(InvalidEmbed, match=rf"A guest {kind} needs params: write params=\{{\}}"):
        function(None, 10)


@pytest.mark.parametrize("params", [None, {}])
def test_without_the_secret(configure: Configure, request_: HttpRequest, params: Any) -> None:
    configure(EMBEDDING_SECRET_KEY=None, GUEST_PARAMS=dict)
    with pytest.raises(
        BadSetting, match=r"'EMBEDDING_SECRET_KEY'\] is missing. It is needed for guest"
    ):
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


def test_static_embed_that_hides_filters() -> None:
    address = embeds.static_embed_url("dashboard", 10, {}, hide_parameters=["city", "state"])
    assert str(address).endswith("#hide_parameters=city%2Cstate")


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
    with pytest.raises(InvalidEmbed, match=f"{missing!r} is not an id"):
        embeds.static_iframe_html(request_, params={}, **items)


def test_static_iframe_with_an_unknown_option(request_: HttpRequest) -> None:
    with pytest.raises(InvalidEmbed, match=r"'border'\. Did you mean 'bordered'"):
        embeds.static_iframe_html(request_, dashboard=10, params={}, border=True)
    with pytest.raises(InvalidEmbed, match="theme cannot be written"):
        embeds.static_iframe_html(request_, dashboard=10, params={}, theme=object())


@pytest.mark.parametrize("function", [function for function, _ in FUNCTIONS])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", 'json:"007"'),
        ("", 'json:""'),
        (7, "json:7"),
        (True, "json:true"),
        ("true", 'json:"true"'),
        (12345678901234567890, "json:12345678901234567890"),
        ([1, {"a": None}], 'json:[1, {"a": null}]'),
    ],
)
def test_custom_context(configure: Configure, function: Any, value: Any, text: str) -> None:
    """Nothing that Metabase would read as a number, a bool or an object."""
    configure(GUEST_PARAMS=dict)
    assert read(function(None, 10, custom_context=value))[1]["custom-context"] == text
    assert "custom-context" not in read(function(None, 10, custom_context=None))[1]


def test_an_entity_id_that_the_endpoint_refuses(configure: Configure) -> None:
    configure(GUEST_PARAMS=dict)
    with pytest.raises(InvalidEmbed, match=r"the number of the item, or set .*'GUEST_ENTITY_IDS'"):
        embeds.guest_question_html(None, ENTITY_ID)
    configure(GUEST_ENTITY_IDS=True)
    assert read(embeds.guest_question_html(None, ENTITY_ID))[1] == {"question-id": ENTITY_ID}


def test_an_entity_id_in_a_signed_token(request_: HttpRequest) -> None:
    _, attributes = read(embeds.guest_question_html(request_, ENTITY_ID, {}))
    assert claims_of(attributes["token"] or "")["resource"] == {"question": ENTITY_ID}


@pytest.mark.parametrize(
    "render",
    [
        lambda request: embeds.guest_dashboard_html(None, 10, {}),
        lambda request: embeds.guest_dashboard_html(request, 10, {}, with_titel=True),
        lambda request: embeds.guest_dashboard_html(request, 10, {}, with_title="no"),
        lambda request: embeds.guest_dashboard_html(request, 10, {}, parameters={"a": object()}),
        lambda request: embeds.guest_dashboard_html(request, 10, {}, custom_context=object()),
        lambda request: embeds.static_iframe_html(None, dashboard=10, params={}),
        lambda request: embeds.static_iframe_html(request, dashboard=10, params={}, id=object()),
        lambda request: embeds.static_iframe_html(
            request, dashboard=10, params={}, font={object()}
        ),
        lambda request: embeds.static_iframe_html(request, dashboard=10, params={}, hight=1),
    ],
)
def test_nothing_is_signed_for_an_error_page(
    configure: Configure, request_: HttpRequest, render: Any
) -> None:
    def secret() -> str:
        raise AssertionError

    configure(EMBEDDING_SECRET_KEY=secret)
    with pytest.raises(InvalidEmbed):
        render(request_)


@pytest.mark.parametrize(
    "render",
    [
        lambda request: embeds.guest_dashboard_html(request, 10, {}),
        lambda request: embeds.static_iframe_html(request, question=5, params={}),
        lambda request: embeds.static_embed_url("dashboard", 10, {}),
    ],
)
def test_what_holds_a_token_hides_it(request_: HttpRequest, render: Any) -> None:
    found = render(request_)
    assert JWT.search(found)
    for text in (repr(found), repr({"html": found}), pprint.pformat([found])):
        assert "eyJ" not in text


def test_a_part_of_html_with_a_token_hides_it(request_: HttpRequest) -> None:
    """Error trackers cut a value before they show it."""
    html = embeds.guest_dashboard_html(request_, 10, {})
    assert "eyJ" in html[:80]
    assert "eyJ" not in repr(html[:80])


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
