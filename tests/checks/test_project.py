"""Checks of Django's own settings: what fires, what is silent."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import include, path
from pytest_django import Settings

from tests.helpers.configure import Configure
from tests.helpers.findings import (
    APP,
    AUTH,
    COMMON,
    CORS,
    SESSION,
    SSO,
    Firing,
    Silent,
    assert_fires,
    assert_fires_on_deploy,
    assert_silent,
    in_front,
    written_ids,
)
from tests.settings import EMBEDDING_SECRET as OTHER

I18N = "tests.checks.i18n_urls"
LOCALE: dict[str, Any] = {
    "ROOT_URLCONF": I18N,
    "LANGUAGE_CODE": "en",
    "MIDDLEWARE": [SESSION, "django.middleware.locale.LocaleMiddleware", COMMON, AUTH],
}
urlpatterns = [path("i18n/", include("django.conf.urls.i18n"))]


def one(user: object) -> None:
    raise AssertionError


def params(request: object, entity_type: str, entity_id: object, custom_context: object) -> None:
    raise AssertionError


GUEST: dict[str, Any] = {"EMBEDDING_SECRET_KEY": OTHER, "GUEST_PARAMS": params}
FIRING: list[Firing] = [
    (
        {**GUEST, "ALLOWED_ORIGINS": [APP]},
        {"CORS_ALLOW_HEADERS": ["authorization"]},
        "W016",
        "guest token",
    ),
    ({**GUEST, "ALLOWED_ORIGINS": [APP]}, {"CORS_ALLOW_METHODS": ["GET"]}, "W016", "POST"),
    (
        {"ALLOWED_ORIGINS": [APP]},
        {"INSTALLED_APPS": ["django.contrib.auth", "django.contrib.contenttypes"]},
        "E022",
        "django-cors-headers",
    ),
    ({"ALLOWED_ORIGINS": [APP]}, {"MIDDLEWARE": in_front(CORS)}, "E022", "ALLOWED_ORIGINS"),
    ({"ALLOWED_ORIGINS": [APP]}, {"MIDDLEWARE": in_front(SSO)}, "E022", "ALLOWED_ORIGINS"),
    ({"ALLOWED_ORIGINS": [APP]}, {"MIDDLEWARE": in_front(CORS, SSO)}, "E022", "CorsMiddleware"),
    (
        {"ALLOWED_ORIGINS": [APP]},
        {"MIDDLEWARE": [SSO, SESSION, CORS, AUTH]},
        "E022",
        "directly above",
    ),
    (
        {"ALLOWED_ORIGINS": [APP]},
        {"MIDDLEWARE": [COMMON, SSO, CORS, SESSION, AUTH]},
        "E022",
        "CommonMiddleware",
    ),
    ({}, {"MIDDLEWARE": [SSO, CORS, SESSION]}, "W023", "user"),
    ({}, {"MIDDLEWARE": [SSO, CORS, AUTH]}, "W023", "user"),
    ({}, {"SESSION_COOKIE_SAMESITE": "Strict"}, "W008", "Strict"),
    ({}, {"SESSION_COOKIE_SAMESITE": "sTrict"}, "W008", "Strict"),
    (
        {"ALLOWED_ORIGINS": ["https://app.example.org"]},
        {"ALLOWED_HOSTS": ["www.example.com"]},
        "W009",
        "https://app.example.org",
    ),
    (
        {"ALLOWED_ORIGINS": ["https://app.example.org"]},
        {"ALLOWED_HOSTS": [], "SESSION_COOKIE_DOMAIN": ".example.com"},
        "W009",
        "SESSION_COOKIE_SAMESITE",
    ),
    ({}, {"SESSION_COOKIE_SAMESITE": "None"}, "W008", "SESSION_COOKIE_SECURE"),
    ({}, {"SESSION_COOKIE_SAMESITE": "none"}, "W008", "SESSION_COOKIE_SECURE"),
    ({}, {"ROOT_URLCONF": "tests.checks.test_project"}, "W014", "django_metabase_sso.urls"),
    (
        {},
        {"ROOT_URLCONF": "tests.http.test_endpoints"},
        "W030",
        "'own/metabase' (tests.http.test_endpoints.Own), 'sso/^metabase/?$' (django_",
    ),
    (
        {"ALLOWED_ORIGINS": [APP], "AUTHENTICATE": one},
        {"CORS_ALLOW_HEADERS": ["x-csrftoken"]},
        "W016",
        "authorization",
    ),
]
FIRING_ON_DEPLOY: list[Firing] = [
    *(
        ({}, {"SESSION_COOKIE_PATH": path}, "W024", f"'{path}': browsers do not send")
        for path in ("/admin", "/sso/meta", "/sso/metabase/", "/SSO/")
    ),
    ({}, {"LOGIN_URL": "/nowhere/"}, "W021", "/nowhere/"),
    ({}, {"LOGIN_URL": "/login", "APPEND_SLASH": False}, "W021", "/login"),
    ({}, {"LOGIN_URL": "/login", "MIDDLEWARE": [SESSION, AUTH]}, "W021", "/login"),
    ({}, {"ROOT_URLCONF": I18N, "LOGIN_URL": "/enter/"}, "W021", "/enter/"),
    ({}, {**LOCALE, "LOGIN_URL": "/xx/enter/"}, "W021", "/xx/enter/"),
    ({}, {"LOGIN_URL": "no-such-name"}, "W021", "no-such-name"),
    ({}, {"LOGIN_URL": "login/"}, "W021", "login/"),
]
SILENT: list[Silent] = [
    ({"ALLOWED_ORIGINS": [APP]}, {"MIDDLEWARE": in_front(SSO, CORS)}, "E022"),
    ({"ALLOWED_ORIGINS": [APP]}, {"MIDDLEWARE": [SSO, CORS, SESSION, AUTH]}, "E022"),
    ({}, {"MIDDLEWARE": in_front()}, "E022"),
    ({"AUTHENTICATE": one}, {"MIDDLEWARE": []}, "W023"),
    ({"AUTHENTICATE": one}, {"SESSION_COOKIE_SAMESITE": "None"}, "W008"),
    ({}, {"SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_SECURE": True}, "W008"),
    ({}, {"ROOT_URLCONF": "tests.test_views"}, "W014"),
    ({}, {"ROOT_URLCONF": "tests.test_views"}, "W030"),
    ({}, {}, "W030"),
    (
        {"ALLOWED_ORIGINS": [APP], "AUTHENTICATE": one},
        {"CORS_ALLOW_HEADERS": ["Authorization"]},
        "W016",
    ),
    ({**GUEST, "ALLOWED_ORIGINS": [APP]}, {"CORS_ALLOW_HEADERS": ["Content-Type"]}, "W016"),
    ({}, {"LOGIN_URL": "https://login.example.com/"}, "W021"),
    ({}, {"LOGIN_URL": "/login/"}, "W021"),
    *(
        ({}, {**LOCALE, "LOGIN_URL": url}, "W021")
        for url in ("/enter/", "/enter", "/en/enter/", "/en/enter", "/de/enter/", "enter")
    ),
    *(
        ({}, {"SESSION_COOKIE_PATH": path}, "W024")
        for path in ("/", "/sso", "/sso/", "/sso/metabase", None, "sso")
    ),
    ({}, {"SESSION_COOKIE_PATH": "/admin", "ROOT_URLCONF": None}, "W024"),
    ({}, {"SESSION_COOKIE_PATH": "/admin", "ROOT_URLCONF": "tests.checks.test_project"}, "W024"),
    *(
        ({}, {"ROOT_URLCONF": "tests.checks.test_project", name: "chosen.by.request"}, "W014")
        for name in ("ROOT_HOSTCONF", "PUBLIC_SCHEMA_URLCONF", "SUBDOMAIN_URLCONFS")
    ),
    ({"AUTHENTICATE": one}, {"SESSION_COOKIE_PATH": "/admin"}, "W024"),
    ({}, {"SESSION_COOKIE_SAMESITE": False}, "W008"),
    ({}, {"SESSION_COOKIE_SAMESITE": None}, "W008"),
    ({"AUTHENTICATE": one}, {"LOGIN_URL": "/nowhere/"}, "W021"),
    ({"INSTANCE_ULR": "x"}, {"LOGIN_URL": "/nowhere/"}, "W021"),
    ({}, {"ROOT_URLCONF": None}, "W021"),
    *(
        ({"ALLOWED_ORIGINS": [origin]}, {"ALLOWED_HOSTS": hosts}, "W009")
        for origin, hosts in [
            (APP, ["www.example.com"]),
            (APP, [".example.com", "example.org"]),
            (APP, []),
            (APP, ["*"]),
            ("http://localhost:3000", ["localhost"]),
        ]
    ),
    *(
        (
            {"ALLOWED_ORIGINS": [APP]},
            {
                "ALLOWED_HOSTS": ["example.org"],
                "SESSION_COOKIE_SAMESITE": same_site,
                "SESSION_COOKIE_SECURE": True,
            },
            "W009",
        )
        for same_site in ("None", "NONE")
    ),
]


@pytest.mark.parametrize("case", FIRING)
def test_firing(configure: Configure, settings: Settings, case: Firing) -> None:
    assert_fires(configure, settings, case)


@pytest.mark.parametrize("case", FIRING_ON_DEPLOY)
def test_firing_on_deploy(configure: Configure, settings: Settings, case: Firing) -> None:
    assert_fires_on_deploy(configure, settings, case)


@pytest.mark.parametrize("case", SILENT)
def test_silent(configure: Configure, settings: Settings, case: Silent) -> None:
    assert_silent(configure, settings, case)


def test_every_id_fires() -> None:
    fired = {case[2] for case in FIRING + FIRING_ON_DEPLOY}
    assert written_ids("checks/project.py") == fired
