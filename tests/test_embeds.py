"""Web components and full-app frames, as functions."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.staticfiles import finders
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import path
from django.utils import translation
from pytest_django import Settings

from django_metabase_sso import embeds
from django_metabase_sso.claims import Claims
from django_metabase_sso.exceptions import AccessRefused, BadSetting, InvalidEmbed
from django_metabase_sso.signals import token_issued, token_refused
from django_metabase_sso.views import SSOView
from tests.helpers.configure import Configure
from tests.helpers.guests import ENTITY_ID
from tests.helpers.html import HOSTILE, config_of, read, scripts
from tests.helpers.signals import receiving

INSTANCE = "https://metabase.example.com"


def test_config() -> None:
    html = embeds.config_html()
    assert config_of(html) == {
        "instanceUrl": INSTANCE,
        "isGuest": False,
        "preferredAuthMethod": "jwt",
        "jwtProviderUri": "/sso/metabase",
    }
    ours, metabases = scripts(html)
    del ours[0]["data-config"]
    assert ours == ({"defer": "", "src": "/static/django_metabase_sso/config.js"}, "")
    assert metabases == ({"defer": "", "src": f"{INSTANCE}/app/embed.js"}, "")


def test_config_without_static_files() -> None:
    html = embeds.config_html(inline=True, nonce="abc")
    ours, metabases = scripts(html)
    assert config_of(html) == embeds.embed_config()
    assert ours[0].keys() == {"data-config", "nonce"}
    assert ours[1] == Path(finders.find("django_metabase_sso/config.js") or "").read_text()
    assert "</script" not in ours[1].lower()
    assert metabases[0]["src"] == f"{INSTANCE}/app/embed.js"


def test_config_with_theme_locale_and_nonce(configure: Configure) -> None:
    configure(INSTANCE_URL="https://example.com/metabase/")
    theme = {"colors": {"brand": "</script><script>alert(1)</script>"}}
    html = embeds.config_html(theme=theme, locale="de", nonce='a"b')
    assert [attributes["nonce"] for attributes, _ in scripts(html)] == ['a"b'] * 2
    config = config_of(html)
    assert (config["theme"], config["locale"]) == (theme, "de")
    assert "<" not in str(scripts(html)[0][0]["data-config"])  # or browsers ignore the nonce
    assert config["instanceUrl"] == "https://example.com/metabase"
    assert scripts(html)[1][0]["src"] == "https://example.com/metabase/app/embed.js"


def test_config_with_custom_visualizations() -> None:
    names = ["custom:calendar", "custom:gauge"]
    config = embeds.embed_config(allowed_custom_visualizations=names)
    assert config["allowedCustomVisualizations"] == names


def test_config_with_saml() -> None:
    """Metabase knows where to send people: no address of ours."""
    assert embeds.embed_config(preferred_auth_method="saml") == {
        "instanceUrl": INSTANCE,
        "isGuest": False,
        "preferredAuthMethod": "saml",
    }
    assert embeds.embed_config(preferred_auth_method="jwt") == embeds.embed_config()


def page_request(**extra: str) -> HttpRequest:
    return RequestFactory().get("/", **{"HTTP_HOST": "localhost:8000", **extra})  # type: ignore[arg-type]


@pytest.fixture
def api_key(configure: Configure, settings: Settings) -> str:
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["*"]
    configure(DEVELOPMENT_API_KEY="mb_demo-only-key")
    return "mb_demo-only-key"


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"REMOTE_ADDR": "::1", "HTTP_HOST": "[::1]:8000"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "app.localhost"},
    ],
)
def test_config_with_an_api_key(api_key: str, extra: dict[str, str]) -> None:
    """embed.js refuses apiKey beside preferredAuthMethod."""
    request = page_request(**extra)
    config = embeds.embed_config(request=request)
    assert config == {"instanceUrl": INSTANCE, "isGuest": False, "apiKey": api_key}
    assert api_key not in repr(config)
    assert config_of(embeds.config_html(request=request)) == config
    assert request._cache_update_cache is False  # type: ignore[attr-defined]
    assert "apiKey" not in embeds.embed_config(request=request, guest=True)


@pytest.mark.parametrize(
    "extra",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"HTTP_HOST": "a-tunnel.example.com"},
        {"HTTP_HOST": "192.0.2.7:8000"},
        {"HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        {"HTTP_FORWARDED": "for=192.0.2.7"},
        {"HTTP_VIA": "1.1 tunnel"},
    ],
)
def test_no_api_key_for_others(
    api_key: str, caplog: pytest.LogCaptureFixture, extra: dict[str, str]
) -> None:
    config = embeds.embed_config(request=page_request(**extra))
    assert "apiKey" not in config
    assert config["preferredAuthMethod"] == "jwt"
    [record] = caplog.records
    assert record.__dict__["code"] == "development-api-key"
    assert api_key not in record.getMessage()


def test_an_api_key_needs_the_request_and_debug(api_key: str, settings: Settings) -> None:
    with pytest.raises(InvalidEmbed, match=r"context_processors\.request"):
        embeds.embed_config()
    settings.DEBUG = False
    with pytest.raises(BadSetting, match="DEBUG is off") as raised:
        embeds.embed_config(request=page_request())
    assert api_key not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"preferred_auth_method": "ldap"}, '"jwt" or "saml", not \'ldap\''),
        ({"preferred_auth_method": ""}, '"jwt" or "saml"'),
        ({"guest": True, "preferred_auth_method": "jwt"}, "Guest embeds do not support"),
        ({"guest": True, "allowed_custom_visualizations": ["custom:a"]}, "Guest embeds do not"),
        ({"theme": {"size": float("nan")}}, "metabase_config cannot be written as JSON"),
    ],
)
def test_config_that_does_not_fit(options: Any, words: str) -> None:
    with pytest.raises(InvalidEmbed, match=words):
        embeds.config_html(**options)


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


@pytest.mark.parametrize("question_id", [7, "new", "new-native", ENTITY_ID])
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
    with pytest.raises(
        InvalidEmbed, match=r'write \{% metabase_browser initial_collection="root"'
    ):
        embeds.browser_html(read_only=True)


def test_a_misspelled_option() -> None:
    """Metabase would ignore it without a word."""
    with pytest.raises(InvalidEmbed, match=r"'withtitle'\. Did you mean 'with_title'\?"):
        embeds.dashboard_html(1, withtitle=False)
    with pytest.raises(InvalidEmbed, match=r"'initial_sql_parameter'\. Did .*_sql_parameters'"):
        embeds.question_html(7, initial_sql_parameter={})


def test_attributes_of_any_element() -> None:
    html = embeds.question_html(7, **{"class": "tall", "title": "Orders", "data_row": 1})
    assert read(html)[1] == {
        "question-id": "7",
        "class": "tall",
        "title": "Orders",
        "data-row": "1",
    }


def test_a_notice_while_developing(settings: Settings) -> None:
    """It is in the element's shadow, whose slot shows it until the element has a frame."""
    settings.DEBUG = True
    html = embeds.dashboard_html(1)
    assert html.startswith(
        '<metabase-dashboard dashboard-id="1"><template shadowrootmode="open"><slot>Metabase has'
    )
    assert html.endswith("</slot></template></metabase-dashboard>")
    assert "{% metabase_config %}" in html
    assert f"{INSTANCE}/app/embed.js" in html
    settings.DEBUG = False
    assert "template" not in embeds.dashboard_html(1)


@pytest.mark.parametrize("function", [embeds.dashboard_html, embeds.question_html])
@pytest.mark.parametrize(
    ("bad", "words"),
    [("10", "Write 10"), (0, "is not an id"), (None, "is not an id"), ("", "is not an id")],
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
    with pytest.raises(InvalidEmbed, match=r"is not a page of Metabase\. .* Write its path"):
        embeds.embed_url(path)


def test_embed_url_with_an_unknown_parameter() -> None:
    with pytest.raises(InvalidEmbed, match=r"'topnav'\. Did you mean 'top_nav'"):
        embeds.embed_url("/", topnav=False)
    with pytest.raises(
        InvalidEmbed, match=r"'xyz'\. Its options are action_buttons, additional_info,"
    ):
        embeds.embed_url("/", xyz=False)
    with pytest.raises(InvalidEmbed, match=r"'hight'\. Did you mean 'height'"):
        embeds.iframe_html("/", title="Sales", hight=800)


def test_embed_url_with_a_value_that_is_no_text() -> None:
    with pytest.raises(InvalidEmbed, match="top_nav cannot be written as JSON"):
        embeds.embed_url("/", top_nav=object())


def test_iframe() -> None:
    html = embeds.iframe_html("/dashboard/1", title="Sales", top_nav=False)
    assert read(html) == (
        "iframe",
        {
            "src": "/sso/metabase?frame=1&return_to=%2Fdashboard%2F1%3Ftop_nav%3Dfalse",
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


def ask(user: Any, **headers: str) -> embeds.Access:
    request = RequestFactory().get("/", headers=headers)
    request.user = user
    found = embeds.access(request)
    assert request.user is user  # the page's own is left alone
    return found


def test_access(ada: User, configure: Configure) -> None:
    assert ask(ada)
    assert ask(ada) == embeds.Access(allowed=True)
    refused = ask(AnonymousUser())
    assert not refused
    assert (refused.allowed, refused.code) == (False, "not-authenticated")
    assert refused.message == "You must be signed in to see this."
    with translation.override("de"):
        assert "angemeldet" in ask(AnonymousUser()).message
    configure(TENANT=lambda user, request: None)
    assert ask(ada).code == "no-tenant"
    configure(ACCESS_POLICY=lambda user, request: False)
    assert ask(ada).code == "policy"
    ada.is_active = False
    assert ask(ada).code == "inactive"


def test_access_neither_signs_nor_tells(ada: User, configure: Configure) -> None:
    def secret() -> str:
        raise AssertionError

    def receiver(**kwargs: object) -> None:
        raise AssertionError

    configure(JWT_SHARED_SECRET=secret)
    with receiving(receiver, token_issued, token_refused):
        assert ask(ada).allowed
        assert not ask(AnonymousUser()).allowed


def test_access_decides_as_the_view_does(
    ada: User, configure: Configure, settings: Settings
) -> None:
    """By AUTHENTICATE, and by the project's own subclass."""
    configure(AUTHENTICATE=lambda request: ada if "X-Key" in request.headers else None)
    assert ask(AnonymousUser(), **{"X-Key": "a"}).allowed
    assert ask(AnonymousUser()).code == "not-authenticated"
    settings.ROOT_URLCONF = (path("sso/", Strict.as_view(code="policy")),)
    assert ask(ada) == embeds.Access(allowed=False, code="policy", message="Not today.")


class Strict(SSOView):
    """A project's own view, which lets nobody in."""

    code: Any = ""

    def get_claims(self, user: Any, request: HttpRequest) -> Claims:
        raise AccessRefused(self.code, "Not today.")


@pytest.mark.urls("tests.test_csp")
def test_access_without_our_urls() -> None:
    with pytest.raises(InvalidEmbed, match="No URL of this project leads to the view"):
        ask(AnonymousUser())


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
