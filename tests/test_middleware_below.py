"""What middleware below SSOCorsMiddleware does: redirects, and URLconfs of a host or a tenant."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth.models import User
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseRedirectBase
from django.test import AsyncClient, Client
from django.urls import include, path
from django.utils import timezone, translation
from django_hosts import host
from pytest_django import Settings

from tests.helpers.configure import Configure
from tests.helpers.cors import APP, EVIL, assert_closed, assert_open, preflight
from tests.helpers.sso import FETCH, NAVIGATION, URL, assert_error
from tests.servers import POSTGRESQL
from tests.servers.fixtures import url_of

GetResponse = Callable[[HttpRequest], HttpResponse]
SSO = path("sso/", include("django_metabase_sso.urls"))
TIMED_OUT = "tests.test_middleware_below.TimedOut"
SESSION_REFRESH = "mozilla_django_oidc.middleware.SessionRefresh"


class Redirect(HttpResponseRedirectBase):
    """A redirect with any status."""


class TimedOut:
    """Sends everybody to `target`, as the middleware of a session's time limit does."""

    target = "/login/?next=/somewhere"
    status = 302

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = Redirect(self.target)
        response.status_code = self.status
        response.set_cookie("why", "idle", samesite="Lax")
        response.delete_cookie("sessionid")
        return response


@pytest.fixture(autouse=True)
def allowed(configure: Configure) -> None:
    configure(ALLOWED_ORIGINS=[APP])


def put_below(settings: Settings, middleware: str) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["/login/?next=/x", "https://id.example/authorize?state=s1"])
def test_a_fetch_gets_a_401_that_it_can_read(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    client: Client,
    target: str,
    status: int,
) -> None:
    put_below(settings, TIMED_OUT)
    monkeypatch.setattr(TimedOut, "target", target)
    monkeypatch.setattr(TimedOut, "status", status)
    response = client.get(FETCH, headers={"Origin": APP})
    assert_error(response, 401, "interrupted")
    assert_open(response)
    assert "no-store" in response["Cache-Control"]
    cookies: SimpleCookie = response.cookies
    assert cookies["why"].value == "idle"
    assert cookies["sessionid"]["max-age"] == 0
    [record] = [record for record in caplog.records if record.name == "django_metabase_sso"]
    assert record.__dict__["code"] == "interrupted"
    assert "?" not in record.getMessage()


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {"Sec-Fetch-Mode": "cors"}),
        ("", {"Accept": "*/*"}),
        ("?response=json", NAVIGATION),
    ],
)
def test_without_an_origin(
    settings: Settings, client: Client, query: str, headers: dict[str, str]
) -> None:
    put_below(settings, TIMED_OUT)
    assert_error(client.get(URL + query, headers=headers), 401, "interrupted")


def test_the_guest_endpoint(settings: Settings, client: Client) -> None:
    put_below(settings, TIMED_OUT)
    response = client.post(f"{URL}/guest-token", headers={"Origin": APP})
    assert_error(response, 401, "interrupted")
    assert_open(response)


def test_a_navigation_keeps_the_redirect(settings: Settings, client: Client) -> None:
    put_below(settings, TIMED_OUT)
    response = client.get(URL, headers=NAVIGATION)
    assert (response.status_code, response["Location"]) == (302, TimedOut.target)
    assert "no-store" in response["Cache-Control"]


def test_other_pages_are_not_touched(settings: Settings, client: Client) -> None:
    put_below(settings, TIMED_OUT)
    response = client.get("/other/", headers={"Sec-Fetch-Mode": "cors", "Origin": APP})
    assert (response.status_code, response["Location"]) == (302, TimedOut.target)
    assert "Cache-Control" not in response


def test_under_asgi(settings: Settings) -> None:
    put_below(settings, TIMED_OUT)
    response = async_to_sync(AsyncClient().get)(FETCH, headers={"Origin": APP})
    assert_error(response, 401, "interrupted")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (f"https://testserver{FETCH}", 302),
        (f"https://TESTSERVER:443{FETCH}", 302),
        (f"https://testserver{URL}", 401),  # another query
        (f"https://www.testserver{FETCH}", 401),
        (f"http://testserver{FETCH}", 401),
        (f"//testserver{FETCH}", 401),
    ],
)
def test_the_same_address_with_https(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    client: Client,
    target: str,
    status: int,
) -> None:
    put_below(settings, TIMED_OUT)
    monkeypatch.setattr(TimedOut, "target", target)
    assert client.get(FETCH).status_code == status


def test_https_to_https_is_a_loop(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    put_below(settings, TIMED_OUT)
    monkeypatch.setattr(TimedOut, "target", f"https://testserver{FETCH}")
    assert client.get(FETCH, secure=True).status_code == 401


def test_djangos_own_redirect_to_https(settings: Settings, client: Client) -> None:
    settings.SECURE_SSL_REDIRECT = True
    response = client.get(FETCH, headers={"Origin": APP})
    assert isinstance(response, HttpResponsePermanentRedirect)
    assert response["Location"] == f"https://testserver{FETCH}"
    assert_open(response)


def test_the_session_refresh_of_mozilla_django_oidc(
    settings: Settings, signed_in: Client, ada: User
) -> None:
    """It redirects who is signed in, every fifteen minutes, unless the request is an XHR."""
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = "https://id.example/authorize"
    settings.OIDC_RP_CLIENT_ID = "django"
    settings.OIDC_OP_TOKEN_ENDPOINT = settings.OIDC_OP_USER_ENDPOINT = "https://id.example/"
    settings.OIDC_RP_CLIENT_SECRET = "tests-only"
    settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": OIDC_URLS})
    settings.AUTHENTICATION_BACKENDS = ["mozilla_django_oidc.auth.OIDCAuthenticationBackend"]
    signed_in.force_login(ada, settings.AUTHENTICATION_BACKENDS[0])
    put_below(settings, SESSION_REFRESH)
    response = signed_in.get(FETCH, headers={"Origin": APP})
    assert_error(response, 401, "interrupted")
    assert_open(response)
    assert signed_in.get(URL, headers=NAVIGATION)["Location"].startswith("https://id.example/")
    session = signed_in.session
    session["oidc_id_token_expiration"] = timezone.now().timestamp() + 900
    session.save()
    assert list(signed_in.get(FETCH, headers={"Origin": APP}).json()) == ["jwt"]
    settings.OIDC_EXEMPT_URLS = [URL]  # what the documentation recommends
    exempt = Client()
    exempt.force_login(ada, settings.AUTHENTICATION_BACKENDS[0])
    assert list(exempt.get(FETCH, headers={"Origin": APP}).json()) == ["jwt"]


OIDC_URLS = [SSO, path("oidc/", include("mozilla_django_oidc.urls"))]


# Languages


def by_language(*, default: bool) -> Any:
    """Return a URLconf with our URLs below a language, the default one only if asked."""
    patterns = i18n_patterns(SSO, prefix_default_language=default)
    return type("urls", (), {"urlpatterns": patterns})


@pytest.fixture
def languages(settings: Settings) -> Iterator[None]:
    settings.LANGUAGES = [("en", "English"), ("de", "German"), ("pt-br", "Portuguese")]
    at = settings.MIDDLEWARE.index("django.middleware.common.CommonMiddleware")
    locale = "django.middleware.locale.LocaleMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:at], locale, *settings.MIDDLEWARE[at:]]
    with translation.override("en"):
        yield


@pytest.mark.usefixtures("languages")
@pytest.mark.parametrize("served_last", ["en", "de", "pt-br"])
@pytest.mark.parametrize(
    ("default", "prefix"), [(True, "en"), (True, "de"), (False, ""), (False, "pt-br")]
)
def test_the_language_of_the_path_counts(
    settings: Settings, client: Client, default: bool, prefix: str, served_last: str
) -> None:
    settings.ROOT_URLCONF = by_language(default=default)
    address = f"/{prefix}{'/' if prefix else ''}sso/metabase?response=json"
    translation.activate(served_last)
    response = preflight(client, APP, address)
    assert_open(response)
    translation.activate(served_last)
    response = client.get(address, headers={"Origin": APP})
    assert_error(response, 401, "not-authenticated")
    assert_open(response)
    translation.activate(served_last)
    assert_closed(preflight(client, EVIL, address))


@pytest.mark.usefixtures("languages")
def test_the_language_of_the_thread_stays(settings: Settings, client: Client) -> None:
    settings.ROOT_URLCONF = by_language(default=True)
    translation.activate("pt-br")
    preflight(client, APP, "/de/sso/metabase")
    assert translation.get_language() == "pt-br"


# URLconfs of a host


class OtherURLs:
    """Chooses a URLconf for the request, as middleware for hosts and tenants does."""

    urlconf: Any = type("urls", (), {"urlpatterns": [SSO]})

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.urlconf = self.urlconf
        return self.get_response(request)


NO_URLS = type("urls", (), {"urlpatterns": []})
OTHER_URLS = "tests.test_middleware_below.OtherURLs"


def test_a_urlconf_that_is_chosen_below(settings: Settings, client: Client) -> None:
    settings.ROOT_URLCONF = NO_URLS
    put_below(settings, OTHER_URLS)
    response = client.get(FETCH, headers={"Origin": APP})
    assert_error(response, 401, "not-authenticated")
    assert_open(response)
    assert_closed(client.get(FETCH, headers={"Origin": EVIL}))


def test_a_urlconf_that_is_chosen_above(settings: Settings, client: Client) -> None:
    settings.ROOT_URLCONF = NO_URLS
    settings.MIDDLEWARE = [OTHER_URLS, *settings.MIDDLEWARE]
    assert_open(preflight(client, APP))
    assert_open(client.get(FETCH, headers={"Origin": APP}))


def test_a_urlconf_without_our_urls(settings: Settings, client: Client) -> None:
    """The path is ours by ROOT_URLCONF, and another page's for this host."""
    settings.CORS_ALLOWED_ORIGINS = [EVIL]
    settings.MIDDLEWARE = [OTHER_URLS, *settings.MIDDLEWARE]
    settings.ROOT_URLCONF = "tests.urls"
    OtherURLs.urlconf, before = NO_URLS, OtherURLs.urlconf
    try:
        response = client.get(FETCH, headers={"Origin": EVIL})
    finally:
        OtherURLs.urlconf = before
    assert response.status_code == 404
    assert response["Access-Control-Allow-Origin"] == EVIL


@pytest.mark.parametrize("above", [True, False])
def test_django_hosts(
    settings: Settings, client: Client, above: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "django.request")
    settings.ALLOWED_HOSTS = [".example.com"]
    settings.ROOT_URLCONF = NO_URLS
    settings.ROOT_HOSTCONF = "tests.test_middleware_below"
    settings.DEFAULT_HOST = "www"
    first, last = (
        f"django_hosts.middleware.Hosts{name}Middleware" for name in ("Request", "Response")
    )
    ours = settings.MIDDLEWARE
    settings.MIDDLEWARE = [first, *ours, last] if above else [*ours[:2], first, *ours[2:], last]
    asking = {"Origin": APP, "Host": "bi.example.com"}
    assert_open(client.get(FETCH, headers=asking))
    assert client.get(FETCH, headers={**asking, "Host": "www.example.com"}).status_code == 404
    if above:  # below, django-cors-headers has answered the preflight before the host is known
        answer = client.options(FETCH, headers={**asking, "Access-Control-Request-Method": "GET"})
        assert_open(answer)


host_patterns = [host("www", NO_URLS, name="www"), host("bi", OtherURLs.urlconf, name="bi")]


@pytest.mark.parametrize("place", ["above", "below"])
def test_django_tenants(postgresql_database: str, tmp_path: Path, place: str) -> None:
    """The tenant's URLconf counts, wherever the middleware stands.

    Above ours, a preflight for a host without our URLs is not one of ours.
    """
    name = f"metabase_sso_tenants_{os.getpid()}"
    with connections[postgresql_database].cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            done = subprocess.run(
                [*TENANTS, url_of(POSTGRESQL), name, str(tmp_path), place],
                cwd=Path(__file__).parents[1],
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "acme.example.com 200 true true",
        f"public.example.com 404 None {'None' if place == 'above' else 'true'}",
        "[]",
    ]


TENANTS = (sys.executable, "-m", "tests.projects.tenants")
