from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
import pytest
from django.core.checks import run_checks
from django.urls import include, path
from django_otp.middleware import OTPMiddleware
from pytest_django import Settings

import django_metabase_sso
from django_metabase_sso.claims import django_groups
from django_metabase_sso.csp import csp_sources
from django_metabase_sso.policies import deny_emails, trust_emails
from django_metabase_sso.test import SETTINGS
from tests.helpers.configure import Configure
from tests.helpers.findings import ids, messages
from tests.settings import EMBEDDING_SECRET as OTHER
from tests.settings import SECRET

APP = "https://app.example.com"
SSO = "django_metabase_sso.middleware.SSOCorsMiddleware"
CORS = "corsheaders.middleware.CorsMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
CSP = "csp.middleware.CSPMiddleware"
METABASE = "https://metabase.example.com"
OTP = "django_otp.middleware.OTPMiddleware"
APPS_OF_ALLAUTH = ["django.contrib.contenttypes", "allauth", "allauth.account"]
urlpatterns = [path("i18n/", include("django.conf.urls.i18n"))]
SOURCE = Path(django_metabase_sso.__file__).parent


def asynchronous() -> Any:
    async def policy(user: object, request: object) -> bool:
        raise AssertionError

    return policy


def failing_secret() -> str:
    raise ConnectionError(f"the vault is gone, the old secret was {SECRET}")


def one(user: object) -> None:
    raise AssertionError


class OwnOTP(OTPMiddleware):  # type: ignore[misc]
    """A project's own middleware may extend django-otp's."""


class Asynchronous:
    async def __call__(self, user: object, request: object) -> bool:
        raise AssertionError


class Policy:
    def __call__(self, user: object, request: object) -> bool:
        raise AssertionError


def in_front(*middleware: str) -> list[str]:
    return [*middleware, SESSION, COMMON, AUTH]


def csp(directives: dict[str, list[str]]) -> dict[str, Any]:
    """Return settings with a policy of django-csp."""
    policy = {"DIRECTIVES": directives}
    return {"CONTENT_SECURITY_POLICY": policy, "MIDDLEWARE": in_front(CSP)}


def templates() -> list[dict[str, Any]]:
    """Return a setting in which templates do not get the request."""
    return [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]


def params(request: object, entity_type: str, entity_id: object, custom_context: object) -> None:
    raise AssertionError


# Django 5.2 has no such middleware, and a check imports what is in MIDDLEWARE.
DJANGO_CSP: list[dict[str, Any]] = [
    {
        "SECURE_CSP": {"default-src": ["'self'"]},
        "MIDDLEWARE": in_front("django.middleware.csp.ContentSecurityPolicyMiddleware"),
    }
][django.VERSION < (6, 0) :]
# A login page below i18n_patterns; the middlewares that lead to it come with LOCALE.
I18N = "tests.checks.i18n_urls"
LOCALE: dict[str, Any] = {
    "ROOT_URLCONF": I18N,
    "LANGUAGE_CODE": "en",
    "MIDDLEWARE": [SESSION, "django.middleware.locale.LocaleMiddleware", COMMON, AUTH],
}
GUEST: dict[str, Any] = {"EMBEDDING_SECRET_KEY": OTHER, "GUEST_PARAMS": params}
# METABASE_SSO, other settings, the finding's id, words in it
REMOTE = {"INSTANCE_URL": "http://metabase.example.com"}
FIRING: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {"METABASE_SSO": None}, "E001", "METABASE_SSO"),
    ({"INSTANCE_ULR": "x"}, {}, "E002", "INSTANCE_ULR"),
    ({"INSTANCE_URL": ""}, {}, "E003", "INSTANCE_URL"),
    ({"INSTANCE_URL": "metabase"}, {}, "E003", "INSTANCE_URL"),
    ({"JWT_SHARED_SECRET": ""}, {}, "E005", "JWT_SHARED_SECRET"),
    ({"JWT_SHARED_SECRET": "x" * 31}, {}, "E006", "31 bytes"),
    ({}, {"SECRET_KEY": SECRET}, "E007", "SECRET_KEY"),
    ({"TOKEN_LIFETIME": 0}, {}, "E008", "TOKEN_LIFETIME"),
    ({"GROUP_MAPPING": {"a": 1}}, {}, "E009", "GROUP_MAPPING"),
    ({"CLAIM_NAMES": {"mail": "m"}}, {}, "E010", "CLAIM_NAMES"),
    ({"ALLOWED_ORIGINS": APP}, {}, "E012", "ALLOWED_ORIGINS"),
    ({"ALLOWED_ORIGINS": ["*"]}, {}, "E012", "'*'"),
    ({"ALLOWED_ORIGINS": ["https://*.vercel.app"]}, {}, "E012", "vercel.app"),
    ({"REDIRECT_PARAMS": {"jwt": "x"}}, {}, "E013", "REDIRECT_PARAMS"),
    ({"ALLOW_ADMINISTRATORS": "False"}, {}, "E014", "ALLOW_ADMINISTRATORS"),
    ({"TENANT": "nowhere.function"}, {}, "E015", "nowhere.function"),
    ({"TENANT": "tests.settings.SECRET_KEY"}, {}, "E015", "TENANT"),
    (
        {"JWT_SHARED_SECRET": "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----"},
        {},
        "E005",
        "JWT_SHARED_SECRET",
    ),
    ({"EMBEDDING_SECRET_KEY": 7}, {}, "E005", "EMBEDDING_SECRET_KEY"),
    ({"EMBEDDING_SECRET_KEY": "x" * 31}, {}, "E006", "EMBEDDING_SECRET_KEY"),
    ({"EMBEDDING_SECRET_KEY": OTHER}, {"SECRET_KEY": OTHER}, "E007", "EMBEDDING_SECRET_KEY"),
    ({"GUEST_TOKEN_LIFETIME": "10"}, {}, "E008", "GUEST_TOKEN_LIFETIME"),
    ({"GUEST_ENTITY_IDS": 1}, {}, "E014", "GUEST_ENTITY_IDS"),
    ({"DEVELOPMENT_API_KEY": "mb_key"}, {}, "E031", "DEBUG is off"),
    ({"DEVELOPMENT_API_KEY": " "}, {"DEBUG": True}, "E031", "is blank"),
    (
        {"DEVELOPMENT_API_KEY": "mb_key", "API_KEY": "mb_key"},
        {"DEBUG": True},
        "E031",
        "is the same key as API_KEY",
    ),
    ({"API_KEY": " "}, {}, "E032", "is blank"),
    ({"API_KEY": "mb_key\n"}, {}, "E032", "a line end"),
    ({**REMOTE, "API_KEY": "mb_key"}, {}, "E032", "the key is not sent"),
    ({**REMOTE, "API_KEY": lambda: "mb_key"}, {}, "E032", "the key is not sent"),
    ({"END_ACCESS": "logout"}, {}, "E034", "'logout' and 'deactivation'"),
    ({"END_ACCESS": ["log-out"]}, {}, "E034", "END_ACCESS"),
    ({"END_ACCESS": [1]}, {}, "E034", "END_ACCESS"),
    ({"END_ACCESS": ["deactivation"]}, {}, "E029", "no access is ended"),
    (
        {"END_ACCESS": ["logout"], "API_KEY": "mb_key", "REDIRECT_PARAMS": {}},
        {},
        "W032",
        "needs Metabase 65",
    ),
    (
        {"DEVELOPMENT_API_KEY": "mb_key"},
        {"DEBUG": True},
        "W031",
        "metabase.example.com, which is not on this machine",
    ),
    ({"GUEST_PARAMS": "nowhere.function"}, {}, "E015", "nowhere.function"),
    (
        {"EMBEDDING_SECRET_KEY": "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----"},
        {},
        "E005",
        "EMBEDDING_SECRET_KEY",
    ),
    ({"EMBEDDING_SECRET_KEY": OTHER, "GUEST_PARAMS": one}, {}, "E018", "GUEST_PARAMS"),
    ({"EMBEDDING_SECRET_KEY": SECRET}, {}, "E028", "the same secret"),
    ({"GUEST_PARAMS": params}, {}, "E029", "EMBEDDING_SECRET_KEY"),
    ({"GUEST_TOKEN_LIFETIME": 29}, {}, "W003", "GUEST_TOKEN_LIFETIME"),
    ({"EMBEDDING_SECRET_KEY": f"{OTHER} "}, {}, "W001", "EMBEDDING_SECRET_KEY"),
    (
        {},
        csp({"default-src": ["'self'"]}),
        "W017",
        "CONTENT_SECURITY_POLICY blocks Metabase's embeds: script-src, frame-src",
    ),
    (
        {},
        csp({"form-action": ["'self'"]}),
        "W017",
        "CONTENT_SECURITY_POLICY blocks the way into Metabase behind a login form",
    ),
    *(({}, others, "W017", "SECURE_CSP") for others in DJANGO_CSP),
    ({"EMBEDDING_SECRET_KEY": OTHER}, {"TEMPLATES": templates()}, "W022", "the request"),
    ({"ACCESS_POLICY": "django_metabase_sso.policies.trust_email"}, {}, "E015", "trust_email"),
    (
        {**GUEST, "ALLOWED_ORIGINS": [APP]},
        {"CORS_ALLOW_HEADERS": ["authorization"]},
        "W016",
        "guest token",
    ),
    ({**GUEST, "ALLOWED_ORIGINS": [APP]}, {"CORS_ALLOW_METHODS": ["GET"]}, "W016", "POST"),
    ({"TENANT": one}, {}, "E018", "TENANT"),
    ({"AUTHENTICATE": trust_emails}, {}, "E018", "AUTHENTICATE"),
    ({"JWT_SHARED_SECRET": one}, {}, "E018", "JWT_SHARED_SECRET"),
    ({"ACCESS_POLICY": asynchronous()}, {}, "E018", "ACCESS_POLICY"),
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
    (
        {"GROUP_MAPPING": {"a": "b"}},
        {"AUTH_USER_MODEL": "accounts.EmailUser"},
        "E009",
        "GROUP_MAPPING",
    ),
    (
        {"GROUP_MAPPING": django_groups},
        {"AUTH_USER_MODEL": "accounts.EmailUser"},
        "E009",
        "GROUP_MAPPING",
    ),
    ({}, {"AUTH_USER_MODEL": "accounts.PropertyUser"}, "E027", "REQUIRE_UNIQUE_EMAIL"),
    ({"JWT_SHARED_SECRET": f" {SECRET}"}, {}, "W001", "white space"),
    ({"JWT_SHARED_SECRET": f"{SECRET}\ufeff"}, {}, "W001", "white space"),
    ({"JWT_SHARED_SECRET": f"'{SECRET}'"}, {}, "W001", "quotation marks"),
    ({"EMBEDDING_SECRET_KEY": f'"{OTHER}"'}, {}, "W001", "quotation marks"),
    ({"EMBEDDING_SECRET_KEY": f"\u201c{OTHER}\u201d"}, {}, "W001", "quotation marks"),
    ({"INSTANCE_URL": urlsplit(METABASE)}, {}, "E003", "is not a string: it is a SplitResult"),
    ({"ALLOWED_ORIGINS": [urlsplit(APP)]}, {}, "E012", "is not a string"),
    ({"ACCESS_POLICY": Asynchronous()}, {}, "E018", "ACCESS_POLICY"),
    ({"TOKEN_LIFETIME": 29}, {}, "W003", "29 s"),
    ({"TOKEN_LIFETIME": timedelta(days=2)}, {}, "W003", "TOKEN_LIFETIME"),
    ({"TENANT_ATTRIBUTES": trust_emails}, {}, "W004", "TENANT_ATTRIBUTES"),
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
    ({}, {"SESSION_COOKIE_SAMESITE": "None"}, "W008", "Secure"),
    ({}, {"SESSION_COOKIE_SAMESITE": "none"}, "W008", "Secure"),
    ({"REQUIRE_UNIQUE_EMAIL": False}, {}, "W011", "REQUIRE_UNIQUE_EMAIL"),
    ({}, {"ROOT_URLCONF": "tests.checks.test_checks"}, "W014", "django_metabase_sso.urls"),
    (
        {},
        {"ROOT_URLCONF": "tests.http.test_endpoints"},
        "W030",
        "'own/metabase' (tests.http.test_endpoints.Own), 'sso/^metabase/?$' (django_",
    ),
    ({"GROUP_MAPPING": {"boss": ["administrators"]}}, {}, "W015", "administrators"),
    (
        {"ALLOWED_ORIGINS": [APP], "AUTHENTICATE": one},
        {"CORS_ALLOW_HEADERS": ["x-csrftoken"]},
        "W016",
        "authorization",
    ),
]
FIRING_ON_DEPLOY: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"JWT_SHARED_SECRET": lambda: "short"}, {}, "E006", "5 bytes"),
    ({"JWT_SHARED_SECRET": failing_secret}, {}, "E020", "ConnectionError"),
    ({"JWT_SHARED_SECRET": lambda: f"{SECRET}\n"}, {}, "W001", "white space"),
    ({"INSTANCE_URL": "http://metabase.example.com"}, {}, "W002", "http"),
    ({"ALLOWED_ORIGINS": ["https://*.example.com"]}, {}, "W005", "https://*.example.com"),
    ({"ALLOWED_ORIGINS": ["http://app.example.com"]}, {}, "W002", "http://app.example.com"),
    ({"EMBEDDING_SECRET_KEY": lambda: SECRET}, {}, "E028", "the same secret"),
    ({"EMBEDDING_SECRET_KEY": lambda: f"{OTHER}\n"}, {}, "W001", "EMBEDDING_SECRET_KEY"),
    ({"EMBEDDING_SECRET_KEY": failing_secret}, {}, "E020", "EMBEDDING_SECRET_KEY"),
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
    ({}, {"ALLOWED_HOSTS": ["www.example.org", "localhost"]}, "W018", "(example.org)"),
    ({}, {}, "W012", "index"),
    ({}, {"AUTH_USER_MODEL": "accounts.EmailUser"}, "W012", "index"),
    ({}, {}, "W013", "ACCESS_POLICY"),
    ({"JWT_SHARED_SECRET": "abcdefg" * 5}, {}, "W029", "JWT_SHARED_SECRET"),
    (SETTINGS, {}, "W029", "EMBEDDING_SECRET_KEY"),
]
# In tests/test_shared_addresses.py: these ask the database.
FIRING_ON_DATABASE = {"W027", "W028"}
# What is fine, and the id that must not be there for it.
SILENT: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"JWT_SHARED_SECRET": lambda: SECRET}, {}, "E005"),
    ({"JWT_SHARED_SECRET": lambda: SECRET}, {}, "W029"),
    ({"JWT_SHARED_SECRET": "abcdefgh" * 4}, {}, "W029"),
    ({"ACCESS_POLICY": Policy()}, {}, "E018"),
    ({"ACCESS_POLICY": deny_emails("*@corp.example")}, {}, "E018"),
    ({"AUTHENTICATE": dict}, {}, "E018"),
    ({"ALLOWED_ORIGINS": [APP]}, {"MIDDLEWARE": in_front(SSO, CORS)}, "E022"),
    ({"ALLOWED_ORIGINS": [APP]}, {"MIDDLEWARE": [SSO, CORS, SESSION, AUTH]}, "E022"),
    ({}, {"MIDDLEWARE": in_front()}, "E022"),
    ({"AUTHENTICATE": one}, {"MIDDLEWARE": []}, "W023"),
    ({"GROUP_MAPPING": one}, {"AUTH_USER_MODEL": "accounts.EmailUser"}, "E009"),
    ({"REQUIRE_UNIQUE_EMAIL": False}, {"AUTH_USER_MODEL": "accounts.PropertyUser"}, "E027"),
    ({"TENANT_ATTRIBUTES": trust_emails, "TENANT": trust_emails}, {}, "W004"),
    ({"AUTHENTICATE": one}, {"SESSION_COOKIE_SAMESITE": "None"}, "W008"),
    ({}, {"SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_SECURE": True}, "W008"),
    ({"REQUIRE_UNIQUE_EMAIL": False}, {"AUTH_USER_MODEL": "accounts.EmailUser"}, "W011"),
    ({"REQUIRE_UNIQUE_EMAIL": False}, {"AUTH_USER_MODEL": "accounts.ContactUser"}, "W011"),
    ({}, {"AUTH_USER_MODEL": "accounts.ContactUser"}, "W012"),
    ({}, {"AUTH_USER_MODEL": "accounts.IndexedUser"}, "W012"),
    ({"REQUIRE_UNIQUE_EMAIL": False}, {}, "W012"),
    ({"ACCESS_POLICY": trust_emails}, {}, "W013"),
    (
        {"DEVELOPMENT_API_KEY": "mb_key", "INSTANCE_URL": "http://localhost:3000"},
        {"DEBUG": True},
        "W031",
    ),
    ({"DEVELOPMENT_API_KEY": "mb_key"}, {"DEBUG": True}, "E031"),
    ({"DEVELOPMENT_API_KEY": "mb_1", "API_KEY": "mb_2"}, {"DEBUG": True}, "E031"),
    ({"API_KEY": "mb_key"}, {}, "E032"),
    ({"API_KEY": "mb_key"}, {}, "E032"),
    ({**REMOTE, "INSTANCE_URL": "http://localhost:3000", "API_KEY": "mb_key"}, {}, "E032"),
    ({"INSTANCE_URL": "", "API_KEY": "mb_key"}, {}, "E032"),
    ({"END_ACCESS": {"logout"}, "API_KEY": "mb_key"}, {}, "E034"),
    ({"END_ACCESS": ["logout"], "API_KEY": "mb_key"}, {}, "E029"),
    ({"END_ACCESS": ["logout"], "API_KEY": "mb_key"}, {}, "W032"),
    ({}, {"ROOT_URLCONF": "tests.test_views"}, "W014"),
    ({}, {"ROOT_URLCONF": "tests.test_views"}, "W030"),
    ({}, {}, "W030"),
    ({"GROUP_MAPPING": {"boss": "Administrators"}, "ALLOW_ADMINISTRATORS": True}, {}, "W015"),
    ({"GROUP_MAPPING": {"a": "Sales"}}, {}, "W015"),
    (
        {"ALLOWED_ORIGINS": [APP], "AUTHENTICATE": one},
        {"CORS_ALLOW_HEADERS": ["Authorization"]},
        "W016",
    ),
    ({"EMBEDDING_SECRET_KEY": OTHER, "GUEST_PARAMS": params}, {}, "E018"),
    ({"EMBEDDING_SECRET_KEY": OTHER, "GUEST_PARAMS": params}, {}, "E028"),
    ({**GUEST, "ALLOWED_ORIGINS": [APP]}, {"CORS_ALLOW_HEADERS": ["Content-Type"]}, "W016"),
    ({}, {"CONTENT_SECURITY_POLICY": {"DIRECTIVES": {"default-src": ["'self'"]}}}, "W017"),
    ({}, {"MIDDLEWARE": in_front(CSP), "CONTENT_SECURITY_POLICY": None}, "W017"),
    ({}, csp(csp_sources(METABASE)), "W017"),
    (
        {},
        {**csp({"default-src": ["'self'"]}), "ALLOWED_HOSTS": ["metabase.example.com"]},
        "W017",
    ),
    ({"INSTANCE_URL": ""}, csp({"default-src": ["'self'"]}), "W017"),
    ({}, {"ALLOWED_HOSTS": [".example.com"]}, "W018"),
    ({"INSTANCE_URL": "http://localhost:3000"}, {}, "W002"),
    ({"EMBEDDING_SECRET_KEY": OTHER}, {}, "W022"),
    ({"EMBEDDING_SECRET_KEY": OTHER}, {"TEMPLATES": []}, "W022"),
    ({}, {"TEMPLATES": templates()}, "W022"),
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
    ({}, {"SESSION_COOKIE_PATH": "/admin", "ROOT_URLCONF": "tests.checks.test_checks"}, "W024"),
    ({"AUTHENTICATE": one}, {"SESSION_COOKIE_PATH": "/admin"}, "W024"),
    ({"JWT_SHARED_SECRET": f"it's {SECRET}'"}, {}, "W001"),
    ({}, {"SESSION_COOKIE_SAMESITE": False}, "W008"),
    ({}, {"SESSION_COOKIE_SAMESITE": None}, "W008"),
    ({"AUTHENTICATE": one}, {"LOGIN_URL": "/nowhere/"}, "W021"),
    ({"INSTANCE_ULR": "x"}, {"LOGIN_URL": "/nowhere/"}, "W021"),
    ({}, {"ROOT_URLCONF": None}, "W021"),
    ({}, {"ALLOWED_HOSTS": ["*"]}, "W018"),
    ({"INSTANCE_URL": "http://localhost:3000"}, {"ALLOWED_HOSTS": ["127.0.0.1"]}, "W018"),
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


def apply(
    configure: Configure, settings: Settings, keys: dict[str, Any], others: dict[str, Any]
) -> None:
    configure(**keys)
    for name, value in others.items():
        setattr(settings, name, value)


@pytest.mark.parametrize(("keys", "others", "check_id", "words"), FIRING)
def test_firing(
    configure: Configure,
    settings: Settings,
    keys: dict[str, Any],
    others: dict[str, Any],
    check_id: str,
    words: str,
) -> None:
    apply(configure, settings, keys, others)
    found = messages()
    assert check_id in found
    assert words in found[check_id].msg
    assert found[check_id].is_serious() is check_id.startswith("E")


@pytest.mark.parametrize(("keys", "others", "check_id", "words"), FIRING_ON_DEPLOY)
def test_firing_on_deploy(
    configure: Configure,
    settings: Settings,
    keys: dict[str, Any],
    others: dict[str, Any],
    check_id: str,
    words: str,
) -> None:
    apply(configure, settings, keys, others)
    assert check_id not in ids()
    found = messages(deploy=True)
    assert words in found[check_id].msg


@pytest.mark.parametrize(("keys", "others", "check_id"), SILENT)
def test_silent(
    configure: Configure,
    settings: Settings,
    keys: dict[str, Any],
    others: dict[str, Any],
    check_id: str,
) -> None:
    apply(configure, settings, keys, others)
    assert check_id not in ids(deploy=True)


def test_a_project_without_faults(configure: Configure, settings: Settings) -> None:
    assert ids() == set()
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    configure(ACCESS_POLICY=trust_emails)
    assert ids(deploy=True) == set()


def test_every_unknown_key_is_named(configure: Configure) -> None:
    configure(INSTANCE_ULR="x", POLICY="y")
    found = [m for m in run_checks() if m.id == "metabase_sso.E002"]
    assert [("INSTANCE_ULR" in m.msg, "POLICY" in m.msg) for m in found] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    "others",
    [
        {"ROOT_URLCONF": None},
        {"MIDDLEWARE": ["tests.checks.test_checks.plain_middleware"]},
        {"MIDDLEWARE": ["nowhere.Middleware"]},
    ],
)
def test_checks_survive_odd_projects(settings: Settings, others: dict[str, Any]) -> None:
    for name, value in others.items():
        setattr(settings, name, value)
    assert "W014" not in ids()


def plain_middleware(get_response: Any) -> Any:
    """A middleware may be a function."""
    raise AssertionError


def test_a_secret_callable_is_not_called_without_deploy(configure: Configure) -> None:
    calls = []

    def secret() -> str:
        calls.append(1)
        return SECRET

    configure(JWT_SHARED_SECRET=secret)
    assert ids() == set()
    assert calls == []
    ids(deploy=True)
    assert calls


def test_every_id_in_the_code_is_fired_by_a_test() -> None:
    text = "".join(file.read_text() for file in SOURCE.rglob("*.py"))
    written = set(re.findall(r"\bmetabase_sso\.([EW]\d{3})\b", text))
    assert written == {case[2] for case in FIRING + FIRING_ON_DEPLOY} | FIRING_ON_DATABASE
    assert len(written) <= 48, "a new id needs a mistake that people make; fold two others first"


# One fault, one finding: what is wrong, and all that is reported.
FAULTS: list[tuple[dict[str, Any], set[str]]] = [
    ({"ACCESS_POLICY": "analytics.nowhere"}, {"E015"}),
    ({"AUTHENTICATE": "analytics.nowhere", "ALLOWED_ORIGINS": [APP]}, {"E015"}),
    ({"TENANT": "analytics.nowhere", "TENANT_ATTRIBUTES": trust_emails}, {"E015"}),
    # E009 is a fault of its own: these users have no groups.
    ({"ALLOW_ADMINISTRATORS": "no", "GROUP_MAPPING": {"a": "Administrators"}}, {"E014", "E009"}),
    ({"REQUIRE_UNIQUE_EMAIL": "no"}, {"E014"}),
    ({"INSTANCE_URL": ""}, {"E003"}),
    ({"ALLOWED_ORIGINS": ["*"]}, {"E012"}),
    ({"JWT_SHARED_SECRET": ""}, {"E005"}),
    ({"JWT_SHARED_SECRET": "short"}, {"E006"}),
    ({"JWT_SHARED_SECRET": "short", "EMBEDDING_SECRET_KEY": lambda: OTHER}, {"E006"}),
    ({"JWT_SHARED_SECRET": "short", "EMBEDDING_SECRET_KEY": "short"}, {"E006"}),
    ({"EMBEDDING_SECRET_KEY": "", "GUEST_PARAMS": params}, {"E005"}),
    ({"INSTANCE_URL": "http://metabase.example.com", "API_KEY": "mb_key"}, {"E032"}),
    ({"API_KEY": " ", "END_ACCESS": ["deactivation"]}, {"E032"}),
    ({"API_KEY": failing_secret}, {"E020"}),
]


@pytest.mark.parametrize(("keys", "expected"), FAULTS)
def test_one_fault_is_one_finding(
    configure: Configure, settings: Settings, keys: dict[str, Any], expected: set[str]
) -> None:
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    configure(**{"ACCESS_POLICY": trust_emails, **keys})
    found = run_checks(include_deployment_checks=True)
    ours = [m.msg for m in found if str(m.id).startswith("metabase_sso.")]
    assert len(ours) == len(set(ours))
    assert ids(deploy=True) == expected


@pytest.mark.parametrize(
    ("value", "check_id"), [(None, "E001"), ([], "E001"), ({"AUTHENTICAT": one}, "E002")]
)
def test_an_unreadable_setting_is_the_only_finding(
    settings: Settings, value: object, check_id: str
) -> None:
    settings.METABASE_SSO = value
    settings.MIDDLEWARE = []
    settings.ROOT_URLCONF = "tests.checks.test_checks"
    assert ids(deploy=True) == {check_id}


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (
            {
                "MIDDLEWARE": in_front("allauth.account.middleware.AccountMiddleware", OTP),
                "INSTALLED_APPS": ["django.contrib.auth", *APPS_OF_ALLAUTH],
            },
            "contrib.allauth.require_verified_email",
        ),
        ({"MIDDLEWARE": [*in_front(), OTP]}, "policies.require_otp"),
        ({"MIDDLEWARE": [*in_front(), "tests.checks.test_checks.OwnOTP"]}, "policies.require_otp"),
        ({"MIDDLEWARE": in_front()}, "policies.trust_emails"),
    ],
)
def test_the_policy_that_fits_first(
    settings: Settings, others: dict[str, Any], words: str
) -> None:
    for name, value in others.items():
        setattr(settings, name, value)
    hint = str(messages(deploy=True)["W013"].hint)
    found = re.findall(r"(?:policies|contrib\.allauth)\.\w+", hint)
    assert found == [words]


def test_the_name_that_was_meant(configure: Configure) -> None:
    configure(ACCESS_POLICY="django_metabase_sso.policies.trust_email")
    assert "'django_metabase_sso.policies.trust_emails'" in str(messages()["E015"].hint)
    configure(ACCESS_POLICY="django_metabase_sso.policies.nothing_like_it")
    assert "'analytics.metabase.function'" in str(messages()["E015"].hint)


def test_an_api_key_in_a_vault(configure: Configure) -> None:
    """It is asked with --deploy only."""

    def locked() -> str:
        raise RuntimeError("mb_key is in here")

    configure(API_KEY=locked)
    assert "E032" not in ids()
    assert "RuntimeError" in messages(deploy=True)["E020"].msg
