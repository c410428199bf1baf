"""`{% load metabase %}`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from csp.middleware import CSPMiddleware
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine, Template, TemplateSyntaxError
from django.test import Client, RequestFactory
from django.urls import include, path
from django.views.decorators.cache import cache_page
from pytest_django import Settings
from rest_framework.request import Request

from django_metabase_sso.exceptions import BadSetting, InvalidEmbed
from django_metabase_sso.templatetags import metabase
from tests.helpers.configure import Configure
from tests.helpers.html import HOSTILE, Reader, config_of, scripts
from tests.helpers.tokens import claims_of
from tests.settings import EMBEDDING_SECRET

GUEST = "{% metabase_guest_dashboard 10 params=params %}"


def render(text: str, /, **variables: Any) -> str:
    """Render a template that has loaded the tags."""
    return Template("{% load metabase %}" + text).render(Context(variables))


def one(text: str, /, **variables: Any) -> tuple[str, dict[str, str | None]]:
    [found] = Reader(render(text, **variables)).found
    return found


def test_every_tag_is_tested_here() -> None:
    tested = set(re.findall(r"% (metabase_\w+)", Path(__file__).read_text()))
    assert tested == set(metabase.register.tags)


@pytest.mark.parametrize(
    ("text", "name", "attributes"),
    [
        (
            "{% metabase_dashboard 1 with_title=False initial_parameters=params %}",
            "metabase-dashboard",
            {"dashboard-id": "1", "with-title": "false", "initial-parameters": '{"a": [1]}'},
        ),
        ("{% metabase_question 7 %}", "metabase-question", {"question-id": "7"}),
        ('{% metabase_question "new" %}', "metabase-question", {"question-id": "new"}),
        (
            '{% metabase_browser initial_collection="root" %}',
            "metabase-browser",
            {"initial-collection": "root"},
        ),
        ("{% metabase_metabot %}", "metabase-metabot", {}),
        (
            '{% metabase_iframe "/dashboard/1" title="Sales" top_nav=False class="wide" %}',
            "iframe",
            {
                "src": "/sso/metabase?frame=1&return_to=%2Fdashboard%2F1%3Ftop_nav%3Dfalse",
                "title": "Sales",
                "loading": "lazy",
                "width": "100%",
                "height": "600",
                "frameborder": "0",
                "class": "wide",
            },
        ),
    ],
)
def test_tags(text: str, name: str, attributes: dict[str, str]) -> None:
    assert one(text, params={"a": [1]}) == (name, attributes)


def test_logout() -> None:
    name, attributes = one("{% metabase_logout %}")
    assert (name, attributes["src"]) == ("iframe", "https://metabase.example.com/auth/logout")


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values(value: str) -> None:
    text = "{% metabase_dashboard 1 class=value %}{% metabase_browser initial_collection=value %}"
    found = Reader(render(text, value=value)).found
    assert [name for name, _ in found] == ["metabase-dashboard", "metabase-browser"]
    assert (found[0][1]["class"], found[1][1]["initial-collection"]) == (value, value)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ('{% metabase_dashboard "10" %}', InvalidEmbed, "Write 10"),
        ("{% metabase_dashboard missing %}", InvalidEmbed, "is not an id"),
        ("{% metabase_dashboard %}", TemplateSyntaxError, "dashboard_id"),
        ('{% metabase_iframe "/dashboard/1" %}', InvalidEmbed, "title="),
        (GUEST, InvalidEmbed, "context_processors.request"),
        ("{% metabase_iframe 1 title='Sales' %}", InvalidEmbed, "Write its path"),
        ("{% metabase_guest_dashboard 10 parms=params %}", InvalidEmbed, "Did you mean 'params'"),
        ("{% metabase_dashboard 1 refresh=60 %}", InvalidEmbed, "has no option 'refresh'"),
        ("{% metabase_dashboard 1 with_title=missing %}", InvalidEmbed, "True or False, not ''"),
        ("{% metabase_access as access %}", InvalidEmbed, "context_processors.request"),
        ("{% metabase_guest_question 5 %}", InvalidEmbed, "needs params"),
        ("{% metabase_config color=1 %}", TemplateSyntaxError, "color"),
    ],
)
def test_wrong_uses(configure: Configure, text: str, error: type[Exception], words: str) -> None:
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET)
    with pytest.raises(error, match=words):
        render(text, params={})


@pytest.mark.parametrize("key", ["INSTANCE_URL", "EMBEDDING_SECRET_KEY"])
def test_missing_settings(configure: Configure, key: str) -> None:
    configure(**{"EMBEDDING_SECRET_KEY": EMBEDDING_SECRET, key: None})
    with pytest.raises(BadSetting, match=f'rite "{key}": '):
        render(
            "{% metabase_static_iframe dashboard=10 params=params %}",
            params={},
            request=RequestFactory().get("/"),
        )


def test_config_once() -> None:
    engine = Engine(
        loaders=[
            (
                "django.template.loaders.locmem.Loader",
                {
                    "base": "{% load metabase %}{% metabase_config %}{% block a %}{% endblock %}",
                    "part": "{% load metabase %}{% metabase_config %}{% metabase_metabot %}",
                    "page": "{% extends 'base' %}{% block a %}{% include 'part' %}"
                    "{% include 'part' only %}{% for x in 'ab' %}{% include 'part' %}{% endfor %}"
                    "{% endblock %}",
                },
            )
        ],
        libraries={"metabase": "django_metabase_sso.templatetags.metabase"},
    )
    page = engine.get_template("page")
    for _ in range(2):
        html = page.render(Context())
        assert html.count("embed.js") == html.count("config.js") == 1
        assert html.count("<metabase-metabot>") == 4


def test_config_with_an_api_key(configure: Configure, settings: Settings) -> None:
    settings.DEBUG = True
    configure(DEVELOPMENT_API_KEY="mb_demo-only-key")
    settings.ALLOWED_HOSTS = ["localhost"]
    request = RequestFactory().get("/", headers={"Host": "localhost"})
    html = render("{% metabase_config %}", request=request)
    assert config_of(html)["apiKey"] == "mb_demo-only-key"


def test_config_with_options() -> None:
    html = render('{% metabase_config theme=theme locale="de" %}', theme={"preset": "dark"})
    config = config_of(html)
    assert (config["theme"], config["locale"]) == ({"preset": "dark"}, "de")
    html = render('{% metabase_config preferred_auth_method="saml" inline=True %}')
    assert config_of(html)["preferredAuthMethod"] == "saml"
    assert html.count("src=") == 1
    html = render("{% metabase_config allowed_custom_visualizations=names %}", names=["custom:a"])
    assert config_of(html)["allowedCustomVisualizations"] == ["custom:a"]


@pytest.mark.parametrize(
    "text",
    [
        "{% metabase_config %}{% metabase_config guest=True %}",
        "{% metabase_config guest=True %}{% metabase_dashboard 1 %}",
        "{% metabase_question 7 %}{% metabase_config guest=True %}",
        "{% metabase_browser initial_collection=1 %}{% metabase_guest_question 5 %}",
        "{% metabase_config %}{% metabase_guest_dashboard 10 %}",
        "{% metabase_guest_dashboard 10 %}{% metabase_metabot %}",
    ],
)
def test_guests_and_others_on_one_page(configure: Configure, text: str) -> None:
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, GUEST_PARAMS=dict)
    with pytest.raises(InvalidEmbed, match="cannot have both guest embeds"):
        render(text)


def nonces(html: str) -> list[str | None]:
    return [attributes.get("nonce") for attributes, _ in scripts(html)]


def test_no_nonce() -> None:
    assert nonces(render("{% metabase_config %}")) == [None] * 2
    request = RequestFactory().get("/")
    assert nonces(render("{% metabase_config %}", request=request)) == [None] * 2


def test_the_nonce_of_djangos_context() -> None:
    assert nonces(render("{% metabase_config %}", csp_nonce="abc")) == ["abc"] * 2


def test_the_nonce_of_djangos_middleware() -> None:
    request = RequestFactory().get("/")
    request._csp_nonce = "abc"  # type: ignore[attr-defined]
    assert nonces(render("{% metabase_config %}", request=request)) == ["abc"] * 2


def test_the_nonce_of_django_csp(settings: Settings) -> None:
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": ["'self'"]}}
    pages = []

    def view(request: HttpRequest) -> HttpResponse:
        pages.append(render("{% metabase_config %}", request=request))
        assert nonces(pages[0]) == [str(request.csp_nonce)] * 2  # type: ignore[attr-defined]
        return HttpResponse(pages[0])

    CSPMiddleware(view)(RequestFactory().get("/"))
    assert pages


def page_with_token(request: HttpRequest) -> HttpResponse:
    """A page that is different for each user."""
    params = {"customer": str(request.user)}
    return HttpResponse(render(GUEST, request=request, params=params))


def page_of_rest_framework(request: HttpRequest) -> HttpResponse:
    """The same by an APIView, whose templates get its own kind of request."""
    html = render(GUEST, request=Request(request), params={"customer": str(request.user)})
    return HttpResponse(html)


def page_without_token(request: HttpRequest) -> HttpResponse:
    """A page that is the same for everybody, and counts its calls."""
    cache.set("calls", cache.get("calls", 0) + 1)
    return HttpResponse(render("{% metabase_config %}{% metabase_dashboard 1 %}", request=request))


urlpatterns = [
    path("sso/", include("django_metabase_sso.urls")),
    path("private/", page_with_token),
    path("cached/", cache_page(60)(page_with_token)),
    path("rest/", cache_page(60)(page_of_rest_framework)),
    path("public/", cache_page(60)(page_without_token)),
]


def customer_of(response: Any) -> Any:
    """Return whose token a page holds."""
    [(_, attributes)] = Reader(response.content.decode()).found
    return claims_of(attributes["token"] or "")["params"]["customer"]


@pytest.fixture
def two_users(configure: Configure, ada: User) -> tuple[Client, Client]:
    cache.clear()
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET)
    clients = Client(), Client()
    clients[0].force_login(ada)
    clients[1].force_login(User.objects.create_user("bob"))
    return clients


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("address", ["/private/", "/cached/", "/rest/"])
@pytest.mark.parametrize("whole_site", [False, True])
def test_no_cache_serves_another_users_token(
    settings: Settings, two_users: tuple[Client, Client], address: str, whole_site: bool
) -> None:
    if whole_site:
        settings.MIDDLEWARE = [
            "django.middleware.cache.UpdateCacheMiddleware",
            *settings.MIDDLEWARE,
            "django.middleware.cache.FetchFromCacheMiddleware",
        ]
    for _ in range(2):
        for client, name in zip(two_users, ("ada", "bob"), strict=True):
            response = client.get(address)
            assert customer_of(response) == name
            assert "Cookie" in response["Vary"]
    assert customer_of(Client().get(address)) == "AnonymousUser"


@pytest.mark.urls(__name__)
def test_a_page_without_tokens_can_be_cached(two_users: tuple[Client, Client]) -> None:
    pages = {client.get("/public/").content for client in (*two_users, Client())}
    assert len(pages) == 1
    assert cache.get("calls") == 1


@pytest.mark.urls(__name__)
def test_the_session_is_read_for_a_token_alone(configure: Configure) -> None:
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET)
    request = RequestFactory().get("/")
    session = request.session = SessionStore()
    render("{% metabase_config %}{% metabase_dashboard 1 %}", request=request)
    assert not session.accessed
    render(GUEST, request=request, params={})
    assert session.accessed


@pytest.mark.urls("tests.test_csp")
@pytest.mark.parametrize(
    "text", ["{% metabase_config %}", "{% metabase_iframe '/' title='Sales' %}"]
)
def test_without_our_urls(text: str) -> None:
    with pytest.raises(InvalidEmbed, match=r'include\("django_metabase_sso\.urls"\)'):
        render(text)
