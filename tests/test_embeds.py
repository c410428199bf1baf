"""Web components and full-app frames, as functions."""

from __future__ import annotations

import json
import logging
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from django_metabase_sso import embeds
from django_metabase_sso.exceptions import BadSetting, InvalidEmbed
from tests.conftest import Configure
from tests.test_guest_tokens import ENTITY_ID
from tests.values.test_elements import HOSTILE, read

INSTANCE = "https://metabase.example.com"


class Scripts(HTMLParser):
    """Collects the scripts of a page: their attributes and their text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "script"
        self.found.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        attributes, text = self.found.pop()
        self.found.append((attributes, text + data))


def scripts(html: str) -> list[tuple[dict[str, str | None], str]]:
    return Scripts(html).found


def test_config() -> None:
    data, ours, metabases = scripts(embeds.config_html())
    assert data[0] == {"id": "metabase-config", "type": "application/json"}
    assert json.loads(data[1]) == {
        "instanceUrl": INSTANCE,
        "preferredAuthMethod": "jwt",
        "jwtProviderUri": "/sso/metabase",
    }
    assert ours == ({"defer": None, "src": "/static/django_metabase_sso/config.js"}, "")
    assert metabases == ({"defer": None, "src": f"{INSTANCE}/app/embed.js"}, "")


def test_config_with_theme_locale_and_nonce(configure: Configure) -> None:
    configure(INSTANCE_URL="https://example.com/metabase/")
    theme = {"colors": {"brand": "</script><script>alert(1)</script>"}}
    found = scripts(embeds.config_html(theme=theme, locale="de", nonce='a"b'))
    assert [attributes["nonce"] for attributes, _ in found] == ['a"b'] * 3
    config = json.loads(found[0][1])
    assert (config["theme"], config["locale"]) == (theme, "de")
    assert config["instanceUrl"] == "https://example.com/metabase"
    assert found[2][0]["src"] == "https://example.com/metabase/app/embed.js"


def test_config_for_guests(configure: Configure) -> None:
    assert embeds.embed_config(guest=True) == {"instanceUrl": INSTANCE, "isGuest": True}
    configure(GUEST_PARAMS=dict)
    assert embeds.embed_config(guest=True) == {
        "instanceUrl": INSTANCE,
        "isGuest": True,
        "guestEmbedProviderUri": "/sso/metabase/guest-token",
    }


def test_config_without_an_instance(configure: Configure) -> None:
    configure(INSTANCE_URL="")
    with pytest.raises(
        BadSetting, match=r'Write "INSTANCE_URL": "https://metabase\.example\.com"'
    ):
        embeds.config_html()


def test_config_with_a_theme_that_is_no_json() -> None:
    with pytest.raises(InvalidEmbed, match="metabase_config: no JSON"):
        embeds.config_html(theme={"size": float("nan")})


@pytest.mark.parametrize("dashboard_id", [1, ENTITY_ID])
def test_dashboard(dashboard_id: Any) -> None:
    html = embeds.dashboard_html(dashboard_id, with_title=False, initial_parameters={"a": [1]})
    assert read(html) == (
        "metabase-dashboard",
        {
            "dashboard-id": str(dashboard_id),
            "with-title": "false",
            "initial-parameters": '{"a": [1]}',
        },
    )


@pytest.mark.parametrize("question_id", [7, "new"])
def test_question(question_id: Any) -> None:
    assert read(embeds.question_html(question_id, is_save_enabled=True)) == (
        "metabase-question",
        {"question-id": str(question_id), "is-save-enabled": "true"},
    )


def test_browser_and_metabot() -> None:
    assert read(embeds.browser_html(initial_collection="root", read_only=False)) == (
        "metabase-browser",
        {"initial-collection": "root", "read-only": "false"},
    )
    assert read(embeds.metabot_html(layout="sidebar")) == (
        "metabase-metabot",
        {"layout": "sidebar"},
    )


@pytest.mark.parametrize("function", [embeds.dashboard_html, embeds.question_html])
@pytest.mark.parametrize(
    ("bad", "words"), [("10", "write 10"), (0, "is no id"), (None, "is no id"), ("", "is no id")]
)
def test_ids(function: Any, bad: Any, words: str) -> None:
    with pytest.raises(InvalidEmbed, match=words):
        function(bad)


def landing(client: Client, url: str) -> str:
    """Return the page of Metabase that our view sends a signed-in person to."""
    response = client.get(url, headers={"Sec-Fetch-Mode": "navigate"})
    assert response.status_code == 302
    return parse_qs(urlsplit(response["Location"]).query)["return_to"][0]


@pytest.mark.parametrize(
    ("path", "interface", "expected"),
    [
        ("/dashboard/1", {}, "/dashboard/1"),
        ("/dashboard/1", {"top_nav": False}, "/dashboard/1?top_nav=false"),
        (
            "/dashboard/1?tab=2&city=Oslo#filter",
            {"top_nav": False, "side_nav": "default"},
            "/dashboard/1?tab=2&city=Oslo&top_nav=false&side_nav=default#filter",
        ),
        ("/question/new", {"entity_types": ["table", "model"]}, None),
        ("/dashboard/1?city=São Paulo+1&b=100%", {}, None),
        ("/dashboard/1?q=a%26b", {}, "/dashboard/1?q=a%26b"),
        (f"{INSTANCE}/dashboard/1", {"logo": False}, "/dashboard/1?logo=false"),
    ],
)
def test_embed_url_arrives_whole(
    signed_in: Client, path: str, interface: dict[str, Any], expected: str | None
) -> None:
    expected = (
        expected
        or {
            "/question/new": "/question/new?entity_types=table%2Cmodel",
            "/dashboard/1?city=São Paulo+1&b=100%": (
                "/dashboard/1?city=S%C3%A3o%20Paulo+1&b=100%25"
            ),
        }[path]
    )
    assert landing(signed_in, embeds.embed_url(path, **interface)) == expected


@pytest.mark.parametrize(
    "path",
    ["https://evil.example/", "//evil.example", "dashboard/1", "/api/user", "/\\evil", "/a\n"],
)
def test_embed_url_leads_to_metabase_alone(path: str) -> None:
    with pytest.raises(InvalidEmbed, match=r"is no page of Metabase\. .* Write its path"):
        embeds.embed_url(path)


def test_embed_url_with_an_unknown_parameter() -> None:
    with pytest.raises(InvalidEmbed, match=r"'topnav' is none of .*top_nav"):
        embeds.embed_url("/", topnav=False)


def test_embed_url_with_a_value_that_is_no_text() -> None:
    with pytest.raises(InvalidEmbed, match="top_nav: no JSON"):
        embeds.embed_url("/", top_nav=object())


def test_iframe() -> None:
    html = embeds.iframe_html("/dashboard/1", title="Sales", top_nav=False)
    assert read(html) == (
        "iframe",
        {
            "src": "/sso/metabase?return_to=%2Fdashboard%2F1%3Ftop_nav%3Dfalse",
            "title": "Sales",
            "loading": "lazy",
            "width": "100%",
            "height": "600",
            "frameborder": "0",
        },
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_title(text: str) -> None:
    _, attributes = read(embeds.iframe_html("/", title=text, width=text))
    assert (attributes["title"], attributes["width"]) == (text, text)


@pytest.mark.parametrize("title", [None, ""])
def test_a_frame_needs_a_title(title: str | None) -> None:
    with pytest.raises(InvalidEmbed, match=r'write \{% metabase_iframe "/dashboard/1" title='):
        embeds.iframe_html("/dashboard/1", title=title)


@pytest.mark.parametrize(
    ("debug", "host", "warned"),
    [
        (True, "localhost:8000", True),
        (True, "www.example.org", True),
        (True, "www.example.com", False),
        (False, "localhost:8000", False),
    ],
)
def test_other_sites_are_named_while_developing(
    settings: Settings, caplog: pytest.LogCaptureFixture, debug: bool, host: str, warned: bool
) -> None:
    settings.DEBUG = debug
    settings.ALLOWED_HOSTS = ["*"]
    request = RequestFactory().get("/", headers={"Host": host})
    with caplog.at_level(logging.WARNING, "django_metabase_sso"):
        embeds.iframe_html("/", title="Sales", request=request)
        embeds.iframe_html("/", title="Sales")
    assert [f"metabase_iframe: {host} and metabase.example.com" in m for m in caplog.messages] == [
        True
    ] * warned


def test_logout() -> None:
    assert read(embeds.logout_html()) == (
        "iframe",
        {
            "src": f"{INSTANCE}/auth/logout",
            "title": "Signs out of Metabase",
            "hidden": "",
            "width": "0",
            "height": "0",
        },
    )
