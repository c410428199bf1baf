"""Faults in the settings of the Django project, and in the proxies in front of it."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path

from django_metabase_sso.views import SSOView
from tests.faults.entry import Fault, django, keys, paste, steps, without
from tests.faults.provider import provider
from tests.faults.tools import ANSWER, CHECK, DATABASE, DEPLOY, DOCTOR, EXPLAIN, PAGE, USER
from tests.faults.working import Working
from tests.helpers.failing import gone_database
from tests.helpers.findings import AUTH, CORS, SESSION, SSO
from tests.helpers.middleware import GetResponse
from tests.helpers.reports import APP
from tests.urls import urlpatterns as whole

MIDDLEWARE = settings.MIDDLEWARE
REST = [name for name in MIDDLEWARE if name not in {SSO, CORS}]


class Urls:
    """A URLconf: Django accepts any object that has `urlpatterns`."""

    def __init__(self, *patterns: Any) -> None:
        self.urlpatterns = [*patterns, *whole[1:]]


def asks_again(get_response: GetResponse) -> GetResponse:
    """Redirect users who are signed in to a page that asks for their password again."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "sessionid" in request.COOKIES:
            return HttpResponseRedirect("/login/")
        return get_response(request)

    return middleware


def any_page(request: HttpRequest, rest: str) -> HttpResponse:
    return HttpResponse(rest)


def break_on(request: HttpRequest) -> None:
    raise ZeroDivisionError


def stop_database(working: Working, *printed: str) -> None:
    working.until_the_end.enter_context(gone_database())


def start_again(working: Working, *printed: str) -> None:
    working.until_the_end.close()


class NoExceptions(LoginRequiredMiddleware):
    """Ignores `login_not_required`, like packages that are older than Django's middleware."""

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponse | None:
        return None if request.user.is_authenticated else HttpResponseRedirect("/login/")


def uncollected(working: Working) -> None:
    """Create a template with the tag, and an empty STATIC_ROOT."""
    folder = working.folder / "templates"
    folder.mkdir()
    (folder / "sales.html").write_text("{% load metabase %}{% metabase_config %}")
    engine = {**working.settings.TEMPLATES[0], "DIRS": [str(folder)]}
    working.set(TEMPLATES=[engine], STATIC_ROOT=str(working.folder / "static"))


def collect(working: Working, printed: str) -> None:
    working.set(STATIC_ROOT=str(working.folder / "static"))
    call_command("collectstatic", interactive=False, verbosity=0)


def template_inline(working: Working, printed: str) -> None:
    """Write the tag into the template, as it is printed."""
    [tag] = re.findall(r"{% .*? %}", printed)
    (working.folder / "templates" / "sales.html").write_text(f"{{% load metabase %}}{tag}")


def not_installed(app: str) -> Any:
    def change(working: Working) -> None:
        apps = [name for name in working.settings.INSTALLED_APPS if name != app]
        working.set(INSTALLED_APPS=apps)

    return change


def another_site(working: Working) -> None:
    working.set(ALLOWED_HOSTS=["api.other.example"])
    working.metabase.change(jwt_identity_provider_uri="https://api.other.example/sso/metabase")


PROJECT = [
    Fault(
        "`django_metabase_sso.urls` is not included",
        django(ROOT_URLCONF=Urls()),
        {CHECK: "W014", DOCTOR: "identity-provider", PAGE: "InvalidEmbed"},
        django(ROOT_URLCONF="tests.urls"),
    ),
    Fault(
        "`django_metabase_sso.urls` is included twice",
        django(
            ROOT_URLCONF=Urls(
                path("sso/", include("django_metabase_sso.urls")),
                path("bi/", include("django_metabase_sso.urls")),
            )
        ),
        {CHECK: "W030"},
        django(ROOT_URLCONF="tests.urls"),
        is_seen=False,
    ),
    Fault(
        "`SSOCorsMiddleware` is missing",
        django(MIDDLEWARE=[CORS, *REST]),
        {CHECK: "E022"},
        django(MIDDLEWARE=MIDDLEWARE),
        kind="front end",
    ),
    Fault(
        "`CorsMiddleware` is missing",
        django(MIDDLEWARE=[SSO, *REST]),
        {CHECK: "E022"},
        django(MIDDLEWARE=MIDDLEWARE),
        kind="front end",
        is_seen=False,
    ),
    Fault(
        "the two middleware classes are in the wrong order",
        django(MIDDLEWARE=[CORS, SSO, *REST]),
        {CHECK: "E022"},
        django(MIDDLEWARE=MIDDLEWARE),
        kind="front end",
        is_seen=False,
    ),
    Fault(
        "the two middleware classes are at the end of `MIDDLEWARE`",
        django(MIDDLEWARE=[*REST, SSO, CORS]),
        {CHECK: "E022"},
        django(MIDDLEWARE=MIDDLEWARE),
        kind="front end",
        is_seen=False,
    ),
    Fault(
        "django-cors-headers is not in `INSTALLED_APPS`",
        lambda working: working.set(
            INSTALLED_APPS=[
                name for name in working.settings.INSTALLED_APPS if name != "corsheaders"
            ]
        ),
        {CHECK: "E022"},
        lambda working, printed: working.set(
            INSTALLED_APPS=[*working.settings.INSTALLED_APPS, "corsheaders"]
        ),
        kind="front end",
        is_seen=False,
    ),
    Fault(
        "the page's origin is not in `ALLOWED_ORIGINS`",
        keys(ALLOWED_ORIGINS=["https://www.example.com"]),
        {DOCTOR: "our-cors", ANSWER: "origin-not-allowed"},
        keys(ALLOWED_ORIGINS=[APP]),
        kind="front end",
    ),
    Fault(
        "`CORS_ALLOW_HEADERS` does not contain the header that `AUTHENTICATE` reads",
        steps(keys(AUTHENTICATE=lambda request: None), django(CORS_ALLOW_HEADERS=["accept"])),
        {CHECK: "W016", DOCTOR: "our-cors"},
        django(CORS_ALLOW_HEADERS=["accept", "authorization"]),
        kind="front end",
        is_seen=False,
    ),
    Fault(
        "the session and authentication middleware are missing",
        django(MIDDLEWARE=[name for name in MIDDLEWARE if name not in {SESSION, AUTH}]),
        {CHECK: "W023"},
        django(MIDDLEWARE=MIDDLEWARE),
    ),
    Fault(
        "a middleware redirects all users to the login page",
        django(MIDDLEWARE=["tests.helpers.middleware.everybody_signs_in", *MIDDLEWARE]),
        {DOCTOR: "endpoint"},
        django(MIDDLEWARE=MIDDLEWARE),
    ),
    Fault(
        "a package's `LoginRequiredMiddleware` does not exempt the view",
        django(MIDDLEWARE=[*MIDDLEWARE, "tests.faults.project.NoExceptions"]),
        {DOCTOR: "endpoint"},
        django(MIDDLEWARE=MIDDLEWARE),
        is_seen=False,
    ),
    Fault(
        "`collectstatic` has not been run",
        uncollected,
        {DEPLOY: "W033", DOCTOR: "W033"},
        collect,
        is_seen=False,
    ),
    Fault(
        "`STATIC_ROOT` is not set",
        steps(uncollected, django(STATIC_ROOT=None)),
        {DEPLOY: "W033", DOCTOR: "W033"},
        collect,
        is_seen=False,
    ),
    Fault(
        "`django.contrib.staticfiles` is not installed",
        steps(uncollected, not_installed("django.contrib.staticfiles")),
        {DEPLOY: "W033", DOCTOR: "W033"},
        template_inline,
        is_seen=False,
    ),
    Fault(
        "the view is wrapped in `login_required`",
        django(ROOT_URLCONF=Urls(path("sso/metabase", login_required(SSOView.as_view())))),
        {DOCTOR: "endpoint"},
        django(ROOT_URLCONF="tests.urls"),
        is_seen=False,
    ),
    Fault(
        "another URL pattern matches the endpoint's path first",
        django(ROOT_URLCONF=Urls(path("sso/<path:rest>", any_page), *whole[:1])),
        {DOCTOR: "endpoint"},
        django(ROOT_URLCONF="tests.urls"),
    ),
    Fault(
        "a middleware redirects users who are signed in (idle time-out, forced password change)",
        django(MIDDLEWARE=[*MIDDLEWARE[:2], "tests.faults.project.asks_again", *MIDDLEWARE[2:]]),
        {ANSWER: "interrupted"},
        django(MIDDLEWARE=MIDDLEWARE),
    ),
    Fault(
        '`SESSION_COOKIE_SAMESITE` is `"Strict"`',
        django(SESSION_COOKIE_SAMESITE="Strict"),
        {CHECK: "W008"},
        paste,
        is_seen=False,
    ),
    Fault(
        '`SESSION_COOKIE_SAMESITE` is `"None"`, and `SESSION_COOKIE_SECURE` is off',
        django(SESSION_COOKIE_SAMESITE="None"),
        {CHECK: "W008"},
        paste,
        is_seen=False,
    ),
    Fault(
        'the front end is on another site, and `SESSION_COOKIE_SAMESITE` is `"Lax"`',
        another_site,
        {CHECK: "W009", DOCTOR: "cookie"},
        steps(django(ALLOWED_HOSTS=["api.example.com"]), provider("", "")),
        kind="front end",
        is_seen=False,
    ),
    Fault(
        "`SESSION_COOKIE_PATH` does not cover the endpoint",
        django(SESSION_COOKIE_PATH="/admin"),
        {DEPLOY: "W024", DOCTOR: "cookie"},
        paste,
        is_seen=False,
    ),
    Fault(
        "`SESSION_COOKIE_DOMAIN` is another domain",
        django(SESSION_COOKIE_DOMAIN="www.example.com"),
        {DOCTOR: "cookie"},
        django(SESSION_COOKIE_DOMAIN=None),
        is_seen=False,
    ),
    Fault(
        "`ALLOWED_HOSTS` does not contain the site's host",
        django(ALLOWED_HOSTS=["www.example.com"]),
        {DOCTOR: "identity-provider"},
        django(ALLOWED_HOSTS=["localhost"]),
    ),
    Fault(
        "no page exists at `LOGIN_URL`",
        django(LOGIN_URL="/accounts/login/"),
        {DEPLOY: "W021"},
        django(LOGIN_URL="login"),
        is_seen=False,
    ),
    Fault(
        "`LOGIN_URL` does not begin with a slash",
        django(LOGIN_URL="login/"),
        {DEPLOY: "W021"},
        django(LOGIN_URL="/login/"),
        is_seen=False,
    ),
    Fault(
        "the index for `REQUIRE_UNIQUE_EMAIL` is missing",
        lambda working: working.set(INSTALLED_APPS=working.settings.INSTALLED_APPS[:-1]),
        {DEPLOY: "W012"},
        lambda working, printed: working.set(
            INSTALLED_APPS=[
                *working.settings.INSTALLED_APPS,
                "django_metabase_sso.contrib.email_index",
            ]
        ),
        is_seen=False,
    ),
    Fault(
        "the Content-Security-Policy blocks Metabase",
        django(
            MIDDLEWARE=[*MIDDLEWARE, "csp.middleware.CSPMiddleware"],
            CONTENT_SECURITY_POLICY={"DIRECTIVES": {"default-src": ["'self'"]}},
        ),
        {CHECK: "W017"},
        django(MIDDLEWARE=MIDDLEWARE),
        is_seen=False,
    ),
    Fault(
        "`AUTHENTICATE` raises an exception",
        keys(AUTHENTICATE=break_on),
        {DOCTOR: "endpoint"},
        without("AUTHENTICATE"),
    ),
    Fault(
        "`AUTHENTICATE` returns a string",
        keys(AUTHENTICATE=lambda request: "ada"),
        {DOCTOR: "endpoint"},
        without("AUTHENTICATE"),
    ),
    Fault(
        "the database is down",
        stop_database,
        {DATABASE: "W027", DOCTOR: "session", EXPLAIN: "error", USER: "error"},
        start_again,
    ),
    Fault(
        "the cache that stores the sessions is down",
        django(
            SESSION_ENGINE="django.contrib.sessions.backends.cache",
            CACHES={"default": {"BACKEND": "tests.helpers.failing.GoneCache"}},
        ),
        {DOCTOR: "session"},
        django(SESSION_ENGINE="django.contrib.sessions.backends.db"),
    ),
    Fault(
        "the cache that stores the sessions is a `DummyCache`",
        django(
            SESSION_ENGINE="django.contrib.sessions.backends.cache",
            CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}},
        ),
        {DOCTOR: "session"},
        paste,
    ),
    Fault(
        "static files are not served",
        lambda working: setattr(working.site, "serves_static", False),
        {DOCTOR: "static", PAGE: "notice"},
        lambda working, printed: setattr(working.site, "serves_static", True),
        is_seen=False,
    ),
    Fault(
        "a cache stores the responses of the endpoint",
        lambda working: working.site.headers.update(Age="7"),
        {DOCTOR: "cache"},
        lambda working, printed: working.site.headers.clear(),
        is_seen=False,
    ),
    Fault(
        "a proxy in front of Django changes `Cache-Control`",
        lambda working: working.site.replaced.update({"Cache-Control": "public"}),
        {DOCTOR: "cache"},
        lambda working, printed: working.site.replaced.clear(),
        is_seen=False,
    ),
    Fault(
        "a proxy terminates TLS, and `SECURE_PROXY_SSL_HEADER` is not set",
        django(SECURE_PROXY_SSL_HEADER=None),
        {DOCTOR: "cache"},
        django(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")),
        kind="proxy",
        is_seen=False,
    ),
]
