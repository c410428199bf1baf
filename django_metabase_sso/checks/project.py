"""Checks of Django's own settings: middleware, sessions, CORS, URLs, the login page."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Tags, register
from django.middleware.common import CommonMiddleware
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve

from django_metabase_sso.checks.messages import error, position_of, read, warning
from django_metabase_sso.conf.addresses import site_of
from django_metabase_sso.http.endpoints import INCLUDE, Kind, routes
from django_metabase_sso.middleware import SSOCorsMiddleware

MIDDLEWARE_HINT = """Begin MIDDLEWARE with:
    "django_metabase_sso.middleware.SSOCorsMiddleware",
    "corsheaders.middleware.CorsMiddleware","""
ACROSS_SITES = (
    'Set SESSION_COOKIE_SAMESITE = "None" and SESSION_COOKIE_SECURE = True, or serve both from'
    " one site, or send a header and set METABASE_SSO['AUTHENTICATE']."
)
END_ANCHOR = re.compile(r"(?<!\\)(\$|\\[Zz])\)*\Z")
KINDS: Final[dict[Kind, str]] = {
    "sso": "signs people in to Metabase",
    "guest_token": "signs guest tokens",
}
NOBODYS_ORIGIN = "https://anybody.invalid"

# With these, a middleware chooses the URLconf of each request: django-hosts, django-tenants and
# django-subdomains.
CHOSEN_BY_REQUEST = ("ROOT_HOSTCONF", "PUBLIC_SCHEMA_URLCONF", "SUBDOMAIN_URLCONFS")


@register(Tags.security)
def check_cors(**kwargs: Any) -> list[CheckMessage]:
    """Report CORS settings of the whole project that open its other paths, or close ours."""
    found: list[CheckMessage] = []
    patterns = [
        getattr(pattern, "pattern", pattern)
        for pattern in getattr(settings, "CORS_ALLOWED_ORIGIN_REGEXES", ())
    ]
    anybody = getattr(settings, "CORS_ALLOW_ALL_ORIGINS", False) or any(
        re.match(pattern, NOBODYS_ORIGIN) for pattern in patterns
    )
    if anybody and getattr(settings, "CORS_ALLOW_CREDENTIALS", False):
        found.append(
            error(
                24,
                "CORS_ALLOW_CREDENTIALS lets every website act with your users' sessions, since"
                " every origin is allowed.",
                "Set CORS_ALLOW_CREDENTIALS = False: ALLOWED_ORIGINS does not need it.",
            )
        )
    for pattern in patterns:
        if not END_ANCHOR.search(pattern):
            message = f"CORS_ALLOWED_ORIGIN_REGEXES: {pattern!r} has no end anchor."
            found.append(warning(7, message, f"End it with a $: {pattern + '$'!r}."))
    headers = {
        header.lower() for header in getattr(settings, "CORS_ALLOW_HEADERS", ("authorization",))
    }
    if read("ALLOWED_ORIGINS") and read("AUTHENTICATE") and "authorization" not in headers:
        message = "CORS_ALLOW_HEADERS has no 'authorization': browsers will not send that header."
        found.append(warning(16, message, 'Add "authorization" to CORS_ALLOW_HEADERS.'))
    return found


@register(Tags.security)
def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    """Report ALLOWED_ORIGINS without what makes them work."""
    if not read("ALLOWED_ORIGINS"):
        return []
    if not apps.is_installed("corsheaders"):
        message = "METABASE_SSO['ALLOWED_ORIGINS'] needs django-cors-headers."
        return [error(21, message, 'Add "corsheaders" to INSTALLED_APPS.')]
    from corsheaders.middleware import CorsMiddleware

    ours, theirs, common = map(position_of, (SSOCorsMiddleware, CorsMiddleware, CommonMiddleware))
    if ours is None or theirs is None:
        message = "METABASE_SSO['ALLOWED_ORIGINS'] needs two middlewares, and one is missing."
        return [error(22, message, MIDDLEWARE_HINT)]
    if theirs != ours + 1 or (common is not None and common < ours):
        message = (
            "SSOCorsMiddleware is not directly above CorsMiddleware, or below CommonMiddleware."
        )
        return [error(23, message, MIDDLEWARE_HINT)]
    return []


@register(Tags.security)
def check_cookies(**kwargs: Any) -> list[CheckMessage]:
    """Report a session cookie that does not arrive where it is needed."""
    if settings.SESSION_COOKIE_SAMESITE == "Strict":
        message = (
            "SESSION_COOKIE_SAMESITE = 'Strict': Metabase's redirects come without a session."
        )
        return [warning(8, message, 'Set SESSION_COOKIE_SAMESITE = "Lax".')]
    if read("AUTHENTICATE"):
        return []
    if settings.SESSION_COOKIE_SAMESITE == "None" and not settings.SESSION_COOKIE_SECURE:
        message = "SESSION_COOKIE_SAMESITE = 'None' without Secure: browsers drop that cookie."
        return [warning(10, message, "Set SESSION_COOKIE_SECURE = True.")]
    hosts = [settings.SESSION_COOKIE_DOMAIN or "", *settings.ALLOWED_HOSTS]
    sites = {site_of(host.lstrip(".")) for host in hosts if host.strip(".*")}
    foreign = [
        entry.text
        for entry in read("ALLOWED_ORIGINS") or ()
        if site_of(entry.host) not in sites and sites and "*" not in hosts
    ]
    if settings.SESSION_COOKIE_SAMESITE == "None" or not foreign:
        return []
    return [
        warning(
            9,
            f"{', '.join(foreign)}: another site than ALLOWED_HOSTS, so the session cookie"
            f" (SESSION_COOKIE_SAMESITE = {settings.SESSION_COOKIE_SAMESITE!r}) does not travel.",
            ACROSS_SITES,
        )
    ]


@register(Tags.security)
def check_login(**kwargs: Any) -> list[CheckMessage]:
    """Report a project in which nobody can be signed in."""
    needed = (SessionMiddleware, AuthenticationMiddleware)
    if read("AUTHENTICATE") or all(position_of(entry) is not None for entry in needed):
        return []
    return [
        error(
            25,
            "No request of this project has a user.",
            "Add SessionMiddleware and AuthenticationMiddleware to MIDDLEWARE, or set"
            " METABASE_SSO['AUTHENTICATE'].",
        )
    ]


@register(Tags.urls)
def check_urls(**kwargs: Any) -> list[CheckMessage]:
    """Report that no URL leads to the sign-in view, or that several lead to one of the views."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    if not routes("sso"):
        if any(hasattr(settings, name) for name in CHOSEN_BY_REQUEST):
            return []
        message = "The project's URLs do not include django_metabase_sso.urls."
        return [warning(14, message, f"Add to urlpatterns: {INCLUDE}")]
    found: list[CheckMessage] = []
    for kind in KINDS:
        places = [f"{route.route!r} ({route.view_name})" for route in routes(kind)]
        if len(places) > 1:
            message = (
                f"Several URL patterns lead to a view that {KINDS[kind]}: {', '.join(places)}."
                " The template tags use the first one; the others answer as well."
            )
            hint = (
                "Keep one. A project with a subclass writes a path() for each view that it needs,"
                " and does not include django_metabase_sso.urls."
            )
            found.append(warning(30, message, hint))
    return found


@register(Tags.urls, deploy=True)
def check_login_page(**kwargs: Any) -> list[CheckMessage]:
    """Report that there is no page to sign in at."""
    login = read("LOGIN_URL")
    if not login or not getattr(settings, "ROOT_URLCONF", None) or read("AUTHENTICATE"):
        return []
    try:
        url = resolve_url(login)
        if url.startswith(get_script_prefix()) and not url.startswith("//"):
            resolve("/" + urlsplit(url).path.removeprefix(get_script_prefix()))
    except (NoReverseMatch, Resolver404):
        message = f"Nobody can sign in: there is no page at LOGIN_URL, {login!r}."
        hint = (
            'Add path("accounts/", include("django.contrib.auth.urls")) and a template'
            " registration/login.html, or set LOGIN_URL to your login page."
        )
        return [warning(21, message, hint)]
    return []
