from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import include, path, register_converter
from django.urls.converters import StringConverter
from pytest_django import Settings

from django_metabase_sso.http import responses
from django_metabase_sso.views import SSOView
from tests.helpers.configure import Configure
from tests.helpers.cors import APP, EVIL, assert_closed, assert_open, preflight
from tests.helpers.sso import FETCH, REFUSALS, SAFE_HEADERS, as_backend
from tests.helpers.tokens import token_of

OPEN_PROJECTS: list[dict[str, Any]] = [
    {},
    {"CORS_ALLOW_ALL_ORIGINS": True},
    {"CORS_ALLOW_ALL_ORIGINS": True, "CORS_ALLOW_CREDENTIALS": True},
    {"CORS_ALLOWED_ORIGINS": [EVIL, "null"], "CORS_ALLOW_CREDENTIALS": True},
    {"CORS_ALLOWED_ORIGINS": [APP]},
    {"CORS_URLS_REGEX": "^/api/.*$"},
]


@pytest.fixture(autouse=True)
def allowed(configure: Configure) -> None:
    configure(ALLOWED_ORIGINS=[APP, "https://*.preview.example.com"])


@pytest.fixture(params=OPEN_PROJECTS)
def project(request: pytest.FixtureRequest, settings: Settings) -> dict[str, Any]:
    for name, value in request.param.items():
        setattr(settings, name, value)
    found: dict[str, Any] = request.param
    return found


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("origin", [APP, "https://pr-1.preview.example.com"])
def test_allowed_origin(signed_in: Client, origin: str) -> None:
    response = signed_in.get(FETCH, headers={"Origin": origin})
    assert token_of(response)
    assert_open(response, origin)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("origin", [EVIL, "null", "https://a.b.preview.example.com"])
def test_any_other_origin(signed_in: Client, origin: str) -> None:
    response = signed_in.get(FETCH, headers={"Origin": origin})
    assert response.status_code == 403
    assert_closed(response)


@pytest.mark.usefixtures("project")
def test_preflight_from_an_allowed_origin(client: Client) -> None:
    response = preflight(client, APP)
    assert response.status_code == 200
    assert_open(response)
    assert "authorization" in response["Access-Control-Allow-Headers"]
    assert "GET" in response["Access-Control-Allow-Methods"]


def test_settings_of_django_cors_headers(client: Client, settings: Settings) -> None:
    settings.CORS_ALLOW_HEADERS = ["authorization", "x-own"]
    settings.CORS_ALLOW_METHODS = ["GET"]
    settings.CORS_PREFLIGHT_MAX_AGE = 60
    settings.CORS_EXPOSE_HEADERS = ["X-Request-ID", "X-Version"]
    response = preflight(client, APP)
    assert response["Access-Control-Allow-Headers"] == "authorization, x-own"
    assert response["Access-Control-Allow-Methods"] == "GET"
    assert response["Access-Control-Max-Age"] == "60"
    assert response["Content-Length"] == "0"
    for name, value in SAFE_HEADERS.items():
        assert response[name] == value
    response = client.get(FETCH, headers={"Origin": APP})
    assert response["Access-Control-Expose-Headers"] == "X-Request-ID, X-Version"
    response = client.get(FETCH, headers={"Origin": EVIL})
    assert "Access-Control-Expose-Headers" not in response


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("is_set", [True, False])
def test_a_private_network(
    client: Client, settings: Settings, *, asked: bool, is_set: bool
) -> None:
    settings.CORS_ALLOW_PRIVATE_NETWORK = is_set
    preflight(client, APP)  # what is kept of it does not count for the others
    headers = {"Access-Control-Request-Private-Network": "true"} if asked else {}
    response = preflight(client, APP, **headers)
    assert_open(response)
    assert response.get("Access-Control-Allow-Private-Network") == (
        "true" if asked and is_set else None
    )


def test_what_is_kept_of_a_preflight_is_not_its_origin(client: Client) -> None:
    for origin in (APP, "https://pr-1.preview.example.com", APP):
        assert_open(preflight(client, origin), origin)
    assert_closed(preflight(client, EVIL))


def test_without_our_middleware(signed_in: Client, settings: Settings) -> None:
    settings.MIDDLEWARE = settings.MIDDLEWARE[1:]
    settings.CORS_ALLOWED_ORIGINS = [APP]
    settings.CORS_ALLOW_CREDENTIALS = True
    assert_open(signed_in.get(FETCH, headers={"Origin": APP}))
    assert_open(preflight(signed_in, APP))


def around(request: HttpRequest) -> Any:
    """A view of the project that calls the view of this package."""
    return SSOView.as_view()(request)


def test_a_path_of_the_project(signed_in: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = (path("around/", around), *import_module("tests.urls").urlpatterns)
    settings.CORS_ALLOWED_ORIGINS = [APP]
    settings.CORS_ALLOW_CREDENTIALS = True
    assert_open(signed_in.get("/around/?response=json", headers={"Origin": APP}))


def test_options_that_is_not_a_preflight(client: Client) -> None:
    response = client.options(FETCH, headers={"Origin": APP})
    assert response["Allow"] == "GET, HEAD, OPTIONS"
    assert_open(response)


class Customer(StringConverter):
    """A part of a path that is a customer's name."""

    known: ClassVar[set[str]] = set()

    def to_python(self, value: str) -> str:
        if value not in self.known:
            raise ValueError(value)
        return value


register_converter(Customer, "customer")


def test_a_path_that_leads_here_later(client: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = (path("<customer:name>/", include("django_metabase_sso.urls")),)
    assert_closed(preflight(client, APP, "/acme/metabase"))
    Customer.known.add("acme")
    assert_open(preflight(client, APP, "/acme/metabase"))


@pytest.mark.usefixtures("project")
def test_preflight_from_another_origin(client: Client) -> None:
    assert_closed(preflight(client, EVIL))


@pytest.mark.usefixtures("project")
def test_preflight_without_an_origin(client: Client) -> None:
    response = client.options(FETCH, headers={"Access-Control-Request-Method": "GET"})
    assert_closed(response)
    for name, value in SAFE_HEADERS.items():
        assert response[name] == value


@pytest.mark.parametrize(("person", "config", "code"), REFUSALS)
def test_refusals_can_be_read(
    client: Client,
    ada: User,
    configure: Configure,
    settings: Settings,
    person: dict[str, Any],
    config: dict[str, Any],
    code: str,
) -> None:
    as_backend(settings)
    configure(**config)
    User.objects.filter(pk=ada.pk).update(**person)
    client.force_login(ada)
    response = client.get(FETCH, headers={"Origin": APP})
    assert response.json()["code"] == code
    assert_open(response)


def test_401_and_405_can_be_read(client: Client) -> None:
    for method, status in [("get", 401), ("post", 405), ("head", 401)]:
        response = getattr(client, method)(FETCH, headers={"Origin": APP})
        assert response.status_code == status
        assert_open(response)


@pytest.mark.parametrize("origin", [{"Origin": APP}, {}])
def test_500_has_all_headers(
    signed_in: Client, configure: Configure, origin: dict[str, str]
) -> None:
    def broken(user: User, request: HttpRequest) -> None:
        raise ValueError("broken")

    configure(USER_ATTRIBUTES=broken)
    signed_in.raise_request_exception = False
    response = signed_in.get(FETCH, headers=origin)
    assert response.status_code == 500
    for name, value in SAFE_HEADERS.items():
        assert response[name] == value
    assert {"cookie", "origin"} <= set(response["Vary"].lower().split(", "))
    if origin:
        assert_open(response)


def test_bad_settings_open_nothing(
    client: Client, configure: Configure, settings: Settings
) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS = True
    configure(ALLOWED_ORIGINS=[APP, "*"])
    assert_closed(preflight(client, APP))
    client.raise_request_exception = False
    response = client.get(FETCH, headers={"Origin": APP})
    assert response.status_code == 500
    assert_closed(response)


def closed_for_repairs(get_response: Any) -> Any:
    """Middleware that answers by itself, before any URL is resolved."""
    return lambda request: HttpResponse(status=503)


def test_what_other_middleware_answers(client: Client, settings: Settings) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS = True
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.test_middleware.closed_for_repairs"]
    response = client.get(FETCH, headers={"Origin": EVIL})
    assert response.status_code == 503
    assert_closed(response)
    assert response["Cache-Control"] == SAFE_HEADERS["Cache-Control"]
    assert_open(client.get(FETCH, headers={"Origin": APP}))


def another_urlconf(get_response: Any) -> Any:
    """Middleware that chooses the URLs by the host, as django-hosts does."""

    def middleware(request: HttpRequest) -> Any:
        request.urlconf = "tests.urls"
        return get_response(request)

    return middleware


def test_urls_that_depend_on_the_host(client: Client, settings: Settings) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS = True
    settings.ROOT_URLCONF = ()
    settings.MIDDLEWARE = ["tests.test_middleware.another_urlconf", *settings.MIDDLEWARE]
    assert_open(preflight(client, APP))
    assert_closed(preflight(client, EVIL))


def test_what_else_an_answer_varies_on() -> None:
    response = responses.protect(HttpResponse(headers={"Vary": "Accept-Language"}))
    assert response["Vary"] == "Accept-Language, Cookie, Origin"


@pytest.mark.parametrize("path", ["/other/", "/nowhere/"])
def test_other_paths_are_the_projects(client: Client, settings: Settings, path: str) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS = True
    response = client.get(path, headers={"Origin": EVIL})
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Cache-Control" not in response
    assert preflight(client, EVIL, path)["Access-Control-Allow-Origin"] == "*"
    settings.CORS_ALLOW_ALL_ORIGINS = False
    assert_closed(client.get(path, headers={"Origin": APP}))
    assert_closed(preflight(client, APP, path))


def test_without_an_origin_nothing_is_added(client: Client) -> None:
    assert_closed(client.get(FETCH))
    assert client.get("/nowhere/").status_code == 404


@async_to_sync
async def check_async(async_client: AsyncClient) -> None:
    assert_open(await async_client.get(FETCH, headers={"Origin": APP}))
    assert_closed(await async_client.get(FETCH, headers={"Origin": EVIL}))
    headers = {"Origin": APP, "Access-Control-Request-Method": "GET"}
    assert_open(await async_client.options(FETCH, headers=headers))
    assert (await async_client.get("/other/")).status_code == 200


def test_async(async_client: AsyncClient) -> None:
    check_async(async_client)


def test_no_query(client: Client) -> None:
    """A database access would fail here: the test has no database."""
    assert preflight(client, APP).status_code == 200
    assert client.get(FETCH, headers={"Origin": EVIL}).status_code == 403
