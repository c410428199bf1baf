"""What the doctor finds in the project itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import path, set_script_prefix
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from django_metabase_sso.views import SSOView
from tests.helpers.configure import Configure
from tests.helpers.reports import APP, Doctor
from tests.servers.canned import Canned, fake
from tests.servers.ports import free_port
from tests.servers.standin import Metabase

urlpatterns = [path("own/", SSOView.as_view())]


@pytest.fixture(autouse=True)
def nobody_there(configure: Configure) -> None:
    """Let Metabase be away where a test does not ask for it."""
    configure(INSTANCE_URL=f"http://localhost:{free_port()}")


# Settings


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"INSTANCE_URL": ""}, "metabase_sso.E003"),
        ({"JWT_SHARED_SECRET": "short"}, "metabase_sso.E006"),
        ({"ALLOWED_ORIGINS": "x"}, "metabase_sso.E012"),
        ({"UNKNOWN": 1}, "metabase_sso.E002"),
    ],
)
def test_checks(
    doctor: Doctor, metabase: Metabase, configure: Configure, keys: dict[str, Any], code: str
) -> None:
    """What cannot be read is skipped, and the others still run."""
    configure(**keys)
    report = doctor()
    found = report.one(code)
    assert found["level"] == "fault"
    assert code in found["title"]
    if "INSTANCE_URL" in keys or "UNKNOWN" in keys:
        assert report.level("instance") == "skipped"
    else:
        assert report.level("instance") == "ok"
    if "JWT_SHARED_SECRET" in keys:
        assert report.level("secret") == "skipped"
        assert not report.all("secret-length")


def test_white_space_and_length(doctor: Doctor, configure: Configure) -> None:
    configure(JWT_SHARED_SECRET=lambda: f"{'s' * 40}\n")
    report = doctor()
    assert "41 bytes" in report.one("secret-length")["title"]
    assert "white space" in report.one("metabase_sso.W001")["cause"]


def test_silenced_checks_are_silent(doctor: Doctor, settings: Settings) -> None:
    settings.SILENCED_SYSTEM_CHECKS = ["metabase_sso.W002", "metabase_sso.W012"]
    report = doctor()
    assert "nothing" in report.one("settings")["title"]
    assert report.level("settings") == "ok"


def test_a_check_that_breaks(doctor: Doctor, settings: Settings) -> None:
    settings.ROOT_URLCONF = "nowhere.urls"
    report = doctor()
    assert {"settings", "endpoint"} <= set(report.faults())
    assert {found["cause"].partition("raised ")[2] for found in report.all("settings")} == {
        "ModuleNotFoundError."
    }


# Our own endpoint


def test_another_path(doctor: Doctor, metabase: Metabase, settings: Settings) -> None:
    """A subclass with a path() of its own is found, whatever it is called."""
    settings.ROOT_URLCONF = "tests.doctor.test_ourselves"
    metabase.change(jwt_identity_provider_uri="http://localhost/own/")
    assert doctor().level("endpoint") == "ok"
    metabase.change(jwt_identity_provider_uri="http://localhost/sso/metabase")
    report = doctor()
    assert "http://localhost/own/" in report.one("identity-provider")["cure"]
    assert report.level("endpoint") == "ok"


def test_the_other_view(doctor: Doctor, metabase: Metabase) -> None:
    """People can't sign in at the address for guest tokens."""
    metabase.change(jwt_identity_provider_uri="http://localhost/sso/metabase/guest-token")
    assert "http://localhost/sso/metabase." in doctor().one("identity-provider")["cure"]


def test_no_path(doctor: Doctor, metabase: Metabase, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.test_csp"
    metabase.change(jwt_identity_provider_uri="http://localhost/sso/metabase")
    report = doctor()
    assert 'include("django_metabase_sso.urls")' in report.one("identity-provider")["cure"]
    assert report.level("endpoint") == "skipped"


def test_a_script_prefix(doctor: Doctor, metabase: Metabase) -> None:
    metabase.change(jwt_identity_provider_uri="http://localhost/app/sso/metabase")
    set_script_prefix("/app/")  # what manage.py does with FORCE_SCRIPT_NAME
    try:
        report = doctor()
        metabase.change(jwt_identity_provider_uri="http://localhost/sso/metabase")
        without = doctor()
    finally:
        set_script_prefix("/")
    assert report.level("identity-provider") == "ok"
    assert report.level("endpoint") == "ok"
    assert "http://localhost/app/sso/metabase" in without.one("identity-provider")["cure"]


def test_without_settings(doctor: Doctor, settings: Settings) -> None:
    settings.METABASE_SSO = None
    report = doctor()
    assert report.faults() == ["metabase_sso.E001"]
    assert report.level("endpoint") == "skipped"


def test_a_login_page_in_front(doctor: Doctor, settings: Settings) -> None:
    settings.MIDDLEWARE = ["tests.helpers.middleware.everybody_signs_in", *settings.MIDDLEWARE]
    found = doctor().one("endpoint")
    assert found["level"] == "fault"
    assert "302 to /login/" in found["cause"]


def test_middleware_that_cannot_be_loaded(doctor: Doctor, settings: Settings) -> None:
    settings.MIDDLEWARE = ["tests.helpers.middleware.broken"]
    report = doctor()
    assert "RuntimeError" in report.one("endpoint")["cause"]
    assert "network-refused" in report.faults()


@pytest.mark.parametrize(
    ("hosts", "debug"),
    [(["*"], False), ([".example.com"], False), ([], True), (["a.example.com", "b"], False)],
)
def test_a_host_is_found(
    doctor: Doctor, settings: Settings, hosts: list[str], debug: bool
) -> None:
    settings.ALLOWED_HOSTS, settings.DEBUG = hosts, debug
    assert doctor().level("endpoint") == "ok"


# CORS


@pytest.fixture
def one_site(settings: Settings, configure: Configure) -> None:
    """Both on example.com, by https."""
    settings.ALLOWED_HOSTS = ["api.example.com"]
    settings.SESSION_COOKIE_SECURE = True
    configure(ALLOWED_ORIGINS=[APP])


def test_cors(doctor: Doctor, one_site: None) -> None:
    report = doctor()
    assert (report.level("our-cors"), report.level("cookie")) == ("ok", "ok")
    own = doctor("--origin", "https://api.example.com:443/")
    assert "own origin" in own.one("our-cors")["title"]
    assert own.level("cookie") == "ok"


def test_an_origin_that_is_not_allowed(doctor: Doctor, one_site: None) -> None:
    found = doctor("--origin", "https://new.example.com").one("our-cors")
    assert found["level"] == "fault"
    assert "ALLOWED_ORIGINS" in found["cause"]
    assert '"https://new.example.com"' in found["cure"]


@pytest.mark.parametrize(
    ("middleware", "words"),
    [
        ("no_cors_on_get", "to a request lacks"),
        ("no_cors_on_options", "to a preflight (OPTIONS) lacks"),
        ("no_options", "status 405"),
    ],
)
def test_middleware_that_takes_the_headers_away(
    doctor: Doctor, one_site: None, settings: Settings, middleware: str, words: str
) -> None:
    settings.MIDDLEWARE = [f"tests.helpers.middleware.{middleware}", *settings.MIDDLEWARE]
    found = doctor().one("our-cors")
    assert found["level"] == "fault"
    assert words in found["cause"]
    assert "SSOCorsMiddleware" in found["cure"]


@pytest.mark.parametrize("authenticate", [None, lambda request: request.user])
def test_no_authorization_header(
    doctor: Doctor, one_site: None, settings: Settings, configure: Configure, authenticate: Any
) -> None:
    settings.CORS_ALLOW_HEADERS = ["accept"]
    configure(AUTHENTICATE=authenticate)
    found = doctor().one("our-cors")
    assert found["level"] == ("fault" if authenticate else "warning")
    assert "CORS_ALLOW_HEADERS" in found["cure"]


# The session cookie

OTHER = "https://app.example.org"


@pytest.mark.parametrize(
    ("origin", "changed", "level", "words"),
    [
        (APP, {}, "ok", ""),
        (APP, {"SESSION_COOKIE_SAMESITE": "Strict"}, "ok", ""),
        (APP, {"SESSION_COOKIE_DOMAIN": ".example.com"}, "ok", ""),
        (APP, {"SESSION_COOKIE_DOMAIN": "api.example.com"}, "ok", ""),
        (APP, {"SESSION_COOKIE_DOMAIN": "www.example.com"}, "fault", "SESSION_COOKIE_DOMAIN"),
        ("http://app.example.com", {}, "fault", "two sites"),
        (OTHER, {}, "fault", "two sites"),
        (OTHER, {"SESSION_COOKIE_SAMESITE": "Strict"}, "fault", "'Strict'"),
        (OTHER, {"SESSION_COOKIE_SAMESITE": False}, "fault", "False"),
        (OTHER, {"SESSION_COOKIE_SAMESITE": "None"}, "warning", "Safari"),
        (
            OTHER,
            {"SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_SECURE": False},
            "fault",
            "drop",
        ),
    ],
)
def test_cookies(
    doctor: Doctor,
    one_site: None,
    settings: Settings,
    origin: str,
    changed: dict[str, Any],
    level: str,
    words: str,
) -> None:
    for name, value in changed.items():
        setattr(settings, name, value)
    found = doctor("--origin", origin).one("cookie")
    assert found["level"] == level
    assert words in found["cause"]


def test_a_secure_cookie_and_http(doctor: Doctor, metabase: Metabase, one_site: None) -> None:
    metabase.change(jwt_identity_provider_uri="http://api.example.com/sso/metabase")
    found = doctor("--timeout", "0.5").one("cookie")
    assert found["level"] == "fault"
    assert "SESSION_COOKIE_SECURE" in found["cause"]
    assert "https" in found["cure"]


def test_a_header_in_place_of_a_cookie(
    doctor: Doctor, one_site: None, configure: Configure
) -> None:
    configure(AUTHENTICATE=lambda request: request.user, ALLOWED_ORIGINS=[OTHER])
    found = doctor().one("cookie")
    assert found["level"] == "ok"
    assert "AUTHENTICATE" in found["title"]


# Caches

PRIVATE = {"Cache-Control": "max-age=0, no-store, private"}


@pytest.mark.parametrize(
    ("canned", "level", "words"),
    [
        (Canned(401, headers=PRIVATE), "ok", ""),
        (Canned(401), "fault", "no-store"),
        (Canned(401, headers={**PRIVATE, "Age": "7"}), "fault", "7 s old"),
        (Canned(401, headers={**PRIVATE, "Age": "0"}), "warning", "in front"),
        (Canned(401, headers={**PRIVATE, "X-Cache": "Hit from cloudfront"}), "fault", "X-Cache"),
        (Canned(401, headers={**PRIVATE, "CF-Cache-Status": "HIT"}), "fault", "CF-Cache-Status"),
        (Canned(401, headers={**PRIVATE, "X-Cache": "MISS"}), "ok", ""),
        (Canned(200, {"jwt": "eyJh.eyJi.c"}, PRIVATE), "fault", "status is 200"),
        (Canned(302, headers={"Location": "https://login.example"}), "fault", "login.example"),
    ],
)
@pytest.mark.parametrize("query", ["", "?a=b"])
def test_caches(
    doctor: Doctor,
    metabase: Metabase,
    canned: Canned,
    level: str,
    words: str,
    query: str,
) -> None:
    with fake({"GET /sso/metabase": canned}) as server:
        metabase.change(jwt_identity_provider_uri=f"{server.url}/sso/metabase{query}")
        found = doctor().one("cache")
    assert found["level"] == level
    assert words in found["cause"]
    assert len(server.requests) == 2
    for request in server.requests:
        assert request.startswith(f"GET /sso/metabase{query or '?'}")
        assert "response=json HTTP" in request
        assert "Cookie" not in request
        assert "eyJ" not in request


def test_the_real_site(doctor: Doctor, live_server: LiveServer, metabase: Metabase) -> None:
    metabase.change(jwt_identity_provider_uri=f"{live_server.url}/sso/metabase")
    report = doctor()
    assert report.exit_code == 0
    assert report.level("cache") == "ok"
