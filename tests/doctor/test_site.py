"""What the doctor finds in the project itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, re_path, set_script_prefix
from django.views.generic import RedirectView
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from django_metabase_sso.views import SSOView
from tests.helpers.configure import Configure
from tests.helpers.reports import APP, Doctor
from tests.servers.canned import Canned, fake
from tests.servers.ports import free_port
from tests.servers.standin import Metabase
from tests.settings import SECRET
from tests.urls import urlpatterns as whole

urlpatterns = [path("own/", SSOView.as_view())]


class Urls:
    """A URLconf that begins with one more pattern."""

    def __init__(self, *first: Any) -> None:
        self.urlpatterns = [*first, *whole]


@pytest.fixture(autouse=True)
def nobody_there(configure: Configure) -> None:
    """Let Metabase be away where a test does not ask for it."""
    configure(INSTANCE_URL=f"http://localhost:{free_port()}")


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
    assert report.faults() == ["settings", "network-refused"]
    assert "ModuleNotFoundError" in report.one("settings")["title"]
    assert report.level("endpoint") == "skipped"
    assert "ModuleNotFoundError above" in report.one("endpoint")["cause"]


def test_another_path(doctor: Doctor, metabase: Metabase, settings: Settings) -> None:
    """A subclass with a path() of its own is found, whatever it is called."""
    settings.ROOT_URLCONF = "tests.doctor.test_site"
    metabase.change(jwt_identity_provider_uri="http://localhost/own/")
    assert doctor().level("endpoint") == "ok"
    metabase.change(jwt_identity_provider_uri="http://localhost/sso/metabase")
    report = doctor()
    assert "http://localhost/own/" in report.one("identity-provider")["cure"]
    assert report.level("endpoint") == "ok"


@pytest.mark.parametrize(
    "address", ["http://localhost/sso/metabase", "http://localhost/sso/metabase/"]
)
@pytest.mark.parametrize(("route", "said"), [("", "an empty one"), ("^s", "^s")])
@pytest.mark.parametrize("view", [lambda request: HttpResponse(), RedirectView.as_view(url="/")])
def test_another_pattern_in_front(
    doctor: Doctor,
    metabase: Metabase,
    settings: Settings,
    view: Any,
    route: str,
    said: str,
    address: str,
) -> None:
    """A pattern that also matches the path hides the sign-in view, whatever it answers."""
    settings.ROOT_URLCONF = Urls(re_path(route, view))
    metabase.change(jwt_identity_provider_uri=address)
    report = doctor()
    assert report.faults() == ["endpoint"]
    found = report.one("endpoint")
    assert found["cause"].endswith(f" first: {said}")
    assert "above that pattern" in found["cure"]


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
    assert "302 to /login/" in found["title"]
    assert "OIDC_EXEMPT_URLS" in found["cure"]


def test_a_login_page_below_our_middleware(doctor: Doctor, settings: Settings) -> None:
    """SSOCorsMiddleware turns its redirect into JSON, which is not the right answer either."""
    first, second, *others = settings.MIDDLEWARE
    below = "tests.helpers.middleware.everybody_signs_in"
    settings.MIDDLEWARE = [first, second, below, *others]
    found = doctor().one("endpoint")
    assert found["level"] == "fault"
    assert "redirects" in found["cause"]
    assert "OIDC_EXEMPT_URLS" in found["cure"]


def test_a_middleware_that_answers_with_a_page(doctor: Doctor, settings: Settings) -> None:
    settings.MIDDLEWARE = ["tests.helpers.middleware.closed", *settings.MIDDLEWARE]
    found = doctor().one("endpoint")
    assert "503" in found["title"]
    assert "before the view" in found["cause"]


@pytest.mark.parametrize(("engine", "level"), [("cache", "fault"), ("cached_db", "ok")])
def test_a_cache_that_stores_nothing(
    doctor: Doctor, settings: Settings, engine: str, level: str
) -> None:
    """Only sessions that are nowhere else are lost."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert doctor().level("session") == level


def test_a_project_without_sessions(
    doctor: Doctor, settings: Settings, configure: Configure
) -> None:
    configure(AUTHENTICATE=lambda request: None)
    apps = [app for app in settings.INSTALLED_APPS if app != "django.contrib.sessions"]
    settings.INSTALLED_APPS = apps
    assert not doctor().all("session")


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


def refused_for_everybody(request: HttpRequest) -> None:
    raise PermissionDenied


def test_the_view_gives_another_answer(doctor: Doctor, configure: Configure) -> None:
    configure(AUTHENTICATE=refused_for_everybody)
    found = doctor().one("endpoint")
    assert found["level"] == "fault"
    assert "invalid-credentials" in found["cause"]
    assert "AUTHENTICATE" in found["cure"]


@pytest.mark.parametrize("error", [RuntimeError(SECRET), Http404(SECRET)])
def test_a_callable_that_raises(doctor: Doctor, configure: Configure, error: Exception) -> None:
    """The setting and the line are named, and what a stranger wrote is not."""

    def broken(request: HttpRequest) -> None:
        raise error

    configure(AUTHENTICATE=broken)
    found = doctor().one("endpoint")
    assert found["level"] == "fault"
    assert "METABASE_SSO['AUTHENTICATE'] raised" in found["cause"]
    assert "broken()" in found["cause"]
    assert "test_site.py" in found["cause"]


def test_a_bad_setting_is_one_fault(
    doctor: Doctor, metabase: Metabase, configure: Configure
) -> None:
    configure(ALLOWED_ORIGINS="https://app.example.com")
    report = doctor("--origin", APP)
    assert report.faults() == ["metabase_sso.E012"]
    for code in ("endpoint", "cors", "cache"):
        assert report.level(code) == "skipped"
    assert "see metabase_sso.E012 above" in report.one("endpoint")["cause"]


def test_a_bad_setting_whose_check_is_silenced(
    doctor: Doctor, settings: Settings, configure: Configure
) -> None:
    settings.SILENCED_SYSTEM_CHECKS = ["metabase_sso.E012"]
    configure(ALLOWED_ORIGINS="https://app.example.com")
    assert "metabase_sso.E012" in doctor().faults()


def test_a_prefix_that_the_server_adds(doctor: Doctor, metabase: Metabase) -> None:
    """SCRIPT_NAME of gunicorn and --root-path of uvicorn are not known to a command."""
    metabase.change(jwt_identity_provider_uri="http://localhost/app/one/sso/metabase/")
    report = doctor()
    assert report.faults() == []
    found = report.one("identity-provider")
    assert found["level"] == "ok"
    assert "/app/one" in found["cause"]
    assert "FORCE_SCRIPT_NAME" in found["cause"]
    assert report.level("endpoint") == "ok"


def test_a_prefix_that_nothing_adds(doctor: Doctor, metabase: Metabase) -> None:
    with fake({}) as server:
        metabase.change(jwt_identity_provider_uri=f"{server.url}/app/sso/metabase")
        found = doctor().one("cache")
    assert found["level"] == "fault"
    assert "Remove /app" in found["cure"]


@pytest.mark.parametrize("uri", ["/de/sso/metabase", "/en/sso/metabase/"])
def test_a_language_in_the_path(
    doctor: Doctor, metabase: Metabase, settings: Settings, uri: str
) -> None:
    settings.ROOT_URLCONF = "tests.doctor.urls_by_language"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    metabase.change(jwt_identity_provider_uri=f"http://localhost{uri}")
    report = doctor()
    assert report.level("identity-provider") == "ok"
    assert report.level("endpoint") == "ok"


def test_urls_that_a_middleware_chooses(
    doctor: Doctor, metabase: Metabase, settings: Settings
) -> None:
    """django-hosts and django-tenants set `request.urlconf`."""
    settings.ROOT_URLCONF = "tests.doctor.urls_empty"
    assert doctor().level("identity-provider") == "fault"
    settings.MIDDLEWARE = ["tests.helpers.middleware.other_urls", *settings.MIDDLEWARE]
    report = doctor()
    assert report.level("identity-provider") == "ok"
    assert report.level("endpoint") == "ok"


@pytest.mark.parametrize(
    ("status", "level", "words"), [(200, "ok", ""), (404, "warning", "collectstatic")]
)
def test_the_script(
    doctor: Doctor, metabase: Metabase, status: int, level: str, words: str
) -> None:
    answers = {
        "GET /sso/metabase": Canned(401, headers=PRIVATE),
        "GET /static/django_metabase_sso/config.js": Canned(status),
    }
    with fake(answers) as server:
        metabase.change(jwt_identity_provider_uri=f"{server.url}/sso/metabase")
        found = doctor().one("static")
    assert found["level"] == level
    assert words in found["cure"]


def test_a_script_that_was_not_collected(
    doctor: Doctor, metabase: Metabase, settings: Settings, tmp_path: Path
) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    backend = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}
    with fake({"GET /sso/metabase": Canned(401, headers=PRIVATE)}) as server:
        metabase.change(jwt_identity_provider_uri=f"{server.url}/sso/metabase")
        found = doctor().one("static")
    assert found["level"] == "warning"
    assert "STATIC_ROOT" in found["cause"]


def test_a_script_on_a_host_that_does_not_answer(
    doctor: Doctor, metabase: Metabase, settings: Settings
) -> None:
    settings.STATIC_URL = f"http://localhost:{free_port()}/"
    with fake({"GET /sso/metabase": Canned(401, headers=PRIVATE)}) as server:
        metabase.change(jwt_identity_provider_uri=f"{server.url}/sso/metabase")
        assert doctor().level("static") == "skipped"


def test_a_secure_cookie_and_http(doctor: Doctor, metabase: Metabase, one_site: None) -> None:
    """The address is the one fault: what would follow from it is not looked at."""
    metabase.change(jwt_identity_provider_uri="http://api.example.com/sso/metabase")
    report = doctor("--timeout", "0.5")
    assert report.faults() == ["identity-provider"]
    assert "https://api.example.com" in report.one("identity-provider")["cure"]
    assert {report.level(code) for code in ("cors", "cache")} == {"skipped"}


@pytest.mark.parametrize(
    ("path", "level"), [("/", "ok"), ("/sso", "ok"), ("/admin", "fault"), ("/sso/meta", "fault")]
)
def test_the_path_of_the_cookie(
    doctor: Doctor, one_site: None, settings: Settings, path: str, level: str
) -> None:
    settings.SESSION_COOKIE_PATH = path
    report = doctor()
    assert not report.all("metabase_sso.W024")
    found = report.one("cookie")
    assert found["level"] == level
    if level == "fault":
        assert path in found["cause"]


def test_a_header_in_place_of_a_cookie_that_is_not_sent(
    doctor: Doctor, one_site: None, settings: Settings, configure: Configure
) -> None:
    settings.SESSION_COOKIE_PATH = "/admin"
    configure(AUTHENTICATE=lambda request: request.user)
    found = doctor().one("cookie")
    assert found["level"] == "ok"
    assert "AUTHENTICATE" in found["cause"]


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
    asked = [request for request in server.requests if "config.js" not in request]
    assert len(asked) == 2
    for request in asked:
        assert request.startswith(f"GET /sso/metabase{query or '?'}")
        assert "response=json HTTP" in request
        assert "Cookie" not in request
        assert "eyJ" not in request


def test_the_real_site(doctor: Doctor, live_server: LiveServer, metabase: Metabase) -> None:
    metabase.change(jwt_identity_provider_uri=f"{live_server.url}/sso/metabase")
    report = doctor()
    assert report.exit_code == 0
    assert report.level("cache") == "ok"
    assert report.level("static") == "ok"
