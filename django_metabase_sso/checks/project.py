"""Checks of Django's own settings: middleware, sessions, CORS, URLs, the login page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core import checks
from django.core.checks import CheckMessage, Tags
from django.middleware.common import CommonMiddleware
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve
from django.utils import translation

from django_metabase_sso.checks.messages import as_written, position_of, read, register
from django_metabase_sso.conf.addresses import site_of
from django_metabase_sso.http.endpoints import INCLUDE, Kind, path_of, routes
from django_metabase_sso.middleware import SSOCorsMiddleware

MIDDLEWARE_HINT = """Begin MIDDLEWARE with:
    "django_metabase_sso.middleware.SSOCorsMiddleware",
    "corsheaders.middleware.CorsMiddleware","""
ACROSS_SITES = (
    "Serve both from one site (app.example.com and api.example.com are one), or let the front end"
    " send a header, and set METABASE_SSO['AUTHENTICATE']."
)
KINDS: Final[dict[Kind, str]] = {
    "sso": "signs users in to Metabase",
    "guest_token": "signs guest tokens",
}
# With these, a middleware chooses the URLconf of each request: django-hosts, django-tenants and
# django-subdomains.
CHOSEN_BY_REQUEST: Final = ("ROOT_HOSTCONF", "PUBLIC_SCHEMA_URLCONF", "SUBDOMAIN_URLCONFS")


@register(Tags.security)
def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    """Report ALLOWED_ORIGINS without what makes them work."""
    if not read("ALLOWED_ORIGINS"):
        return []
    if not apps.is_installed("corsheaders"):
        message = "METABASE_SSO['ALLOWED_ORIGINS'] needs django-cors-headers."
        hint = 'Add "corsheaders" to INSTALLED_APPS.'
        return [checks.Error(message, hint, id="metabase_sso.E022")]
    from corsheaders.middleware import CorsMiddleware

    ours, theirs, common = map(position_of, (SSOCorsMiddleware, CorsMiddleware, CommonMiddleware))
    if ours is None or theirs is None:
        message = "METABASE_SSO['ALLOWED_ORIGINS'] needs two middlewares, and one is missing."
    elif theirs != ours + 1:
        message = "SSOCorsMiddleware is not directly above CorsMiddleware."
    elif common is not None and common < ours:
        message = (
            "SSOCorsMiddleware must be above CommonMiddleware, whose redirects lack CORS headers"
            " otherwise."
        )
    else:
        return []
    return [checks.Error(message, MIDDLEWARE_HINT, id="metabase_sso.E022")]


@register(Tags.security)
def check_cors(**kwargs: Any) -> list[CheckMessage]:
    """Report CORS settings of the project that keep front ends from asking for a token."""
    if not read("ALLOWED_ORIGINS"):
        return []
    headers = {
        header.lower()
        for header in getattr(settings, "CORS_ALLOW_HEADERS", ("authorization", "content-type"))
    }
    found: list[CheckMessage] = []
    if as_written("AUTHENTICATE") and "authorization" not in headers:
        message = "CORS_ALLOW_HEADERS has no 'authorization': browsers will not send that header."
        hint = 'Add "authorization" to CORS_ALLOW_HEADERS.'
        found.append(checks.Warning(message, hint, id="metabase_sso.W016"))
    methods = getattr(settings, "CORS_ALLOW_METHODS", ("POST",))
    if as_written("GUEST_PARAMS") and ("content-type" not in headers or "POST" not in methods):
        message = "The CORS settings do not allow the POST with JSON that requests a guest token."
        hint = 'Add "content-type" to CORS_ALLOW_HEADERS, and "POST" to CORS_ALLOW_METHODS.'
        found.append(checks.Warning(message, hint, id="metabase_sso.W016"))
    return found


@register(Tags.security)
def check_cookies(**kwargs: Any) -> list[CheckMessage]:
    """Report a session cookie that does not arrive where it is needed."""
    same_site = session_same_site()
    if same_site == "strict":
        message = (
            "SESSION_COOKIE_SAMESITE is 'Strict': browsers do not send the session cookie when"
            " Metabase redirects to this site."
        )
        hint = 'Set SESSION_COOKIE_SAMESITE = "Lax".'
        return [checks.Warning(message, hint, id="metabase_sso.W008")]
    if as_written("AUTHENTICATE"):
        return []
    if same_site == "none":
        if settings.SESSION_COOKIE_SECURE:
            return []
        message = (
            "SESSION_COOKIE_SAMESITE is 'None' without SESSION_COOKIE_SECURE: browsers reject the"
            " session cookie."
        )
        hint = "Set SESSION_COOKIE_SECURE = True."
        return [checks.Warning(message, hint, id="metabase_sso.W008")]
    hosts = [settings.SESSION_COOKIE_DOMAIN or "", *settings.ALLOWED_HOSTS]
    sites = {site_of(host.lstrip(".")) for host in hosts if host.strip(".*")}
    if not sites or "*" in hosts:
        return []
    origins = read("ALLOWED_ORIGINS") or ()
    foreign = [entry.text for entry in origins if site_of(entry.host) not in sites]
    if not foreign:
        return []
    message = (
        f"{', '.join(foreign)} and ALLOWED_HOSTS are different sites: browsers do not send the"
        f" session cookie (SESSION_COOKIE_SAMESITE = {settings.SESSION_COOKIE_SAMESITE!r})."
    )
    return [checks.Warning(message, ACROSS_SITES, id="metabase_sso.W009")]


def session_same_site() -> str:
    """Return SESSION_COOKIE_SAMESITE in lower case, as browsers compare it; "" if off."""
    value = settings.SESSION_COOKIE_SAMESITE
    return value.lower() if isinstance(value, str) else ""


@register(Tags.security, deploy=True)
def check_cookie_path(**kwargs: Any) -> list[CheckMessage]:
    """Report a session cookie that browsers keep from the sign-in view."""
    path = path_of("sso") if getattr(settings, "ROOT_URLCONF", None) else None
    if path is None or as_written("AUTHENTICATE") or session_covers(path):
        return []
    message = (
        f"SESSION_COOKIE_PATH = {settings.SESSION_COOKIE_PATH!r}: browsers do not send the session"
        f" cookie to {path}, so nobody is signed in there."
    )
    hint = (
        'Set SESSION_COOKIE_PATH = "/". If your server removes that prefix from the path, set'
        " FORCE_SCRIPT_NAME to the prefix."
    )
    return [checks.Warning(message, hint, id="metabase_sso.W024")]


def session_covers(path: str) -> bool:
    """Whether browsers send the session cookie to a path: RFC 6265, section 5.1.4."""
    covered: str = settings.SESSION_COOKIE_PATH
    if not covered or not covered.startswith("/") or path == covered:
        return True  # without a path of its own, a cookie has that of the page that set it
    return path.startswith(covered if covered.endswith("/") else f"{covered}/")


@register(Tags.security)
def check_login(**kwargs: Any) -> list[CheckMessage]:
    """Report a project in which nobody can be signed in."""
    needed = (SessionMiddleware, AuthenticationMiddleware)
    if as_written("AUTHENTICATE") or all(position_of(entry) is not None for entry in needed):
        return []
    message = (
        "No middleware in MIDDLEWARE is known to set request.user: all users would be anonymous."
    )
    hint = (
        "Add SessionMiddleware and AuthenticationMiddleware to MIDDLEWARE, or set"
        " METABASE_SSO['AUTHENTICATE']. If a middleware of your own sets request.user, add"
        ' "metabase_sso.W023" to SILENCED_SYSTEM_CHECKS.'
    )
    return [checks.Warning(message, hint, id="metabase_sso.W023")]


@register(Tags.urls)
def check_urls(**kwargs: Any) -> list[CheckMessage]:
    """Report that no URL leads to the sign-in view, or that several lead to one of the views."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    if not routes("sso"):
        if any(hasattr(settings, name) for name in CHOSEN_BY_REQUEST):
            return []
        message = "The project's URLs do not include django_metabase_sso.urls."
        hint = f"Add to urlpatterns: {INCLUDE}"
        return [checks.Warning(message, hint, id="metabase_sso.W014")]
    several = []
    for kind in KINDS:
        places = [f"{route.route!r} ({route.view_name})" for route in routes(kind)]
        if len(places) > 1:
            where = ", ".join(places)
            several.append(f"Several URL patterns lead to a view that {KINDS[kind]}: {where}.")
    if not several:
        return []
    message = " ".join(several)
    message += " The template tags use the first one; the others answer as well."
    hint = (
        "Keep one. If you subclass a view, write a path() for each view that you need, and do not"
        " include django_metabase_sso.urls."
    )
    return [checks.Warning(message, hint, id="metabase_sso.W030")]


@register(Tags.urls, deploy=True)
def check_login_page(**kwargs: Any) -> list[CheckMessage]:
    """Report that LOGIN_URL does not lead to a page."""
    login = read("LOGIN_URL")
    if not login or not getattr(settings, "ROOT_URLCONF", None) or as_written("AUTHENTICATE"):
        return []
    try:
        url = resolve_url(login)
    except NoReverseMatch:
        url = ""
    prefix = get_script_prefix()
    if url.startswith("/") or urlsplit(url).netloc:  # a browser adds any other to our own path
        if not url.startswith(prefix) or url.startswith("//"):
            return []  # another site, or another application of this one
        if _has_page(f"/{urlsplit(url).path.removeprefix(prefix)}"):
            return []
    message = f"Users cannot sign in: no URL pattern matches LOGIN_URL, {login!r}."
    hint = (
        'Add path("accounts/", include("django.contrib.auth.urls")) and a template'
        " registration/login.html, or set LOGIN_URL to your login page."
    )
    return [checks.Warning(message, hint, id="metabase_sso.W021")]


def _has_page(path: str) -> bool:
    """Whether there is a page at a path, or where Django's middlewares redirect it to."""
    for language, candidate in _candidates(path):
        with translation.override(language):
            try:
                resolve(candidate)
            except Resolver404:
                continue
            return True
    return False


def _candidates(path: str) -> Iterator[tuple[str, str]]:
    """Yield paths, each with the language to resolve it in."""
    language = translation.get_language_from_path(path) or settings.LANGUAGE_CODE
    paths = [path]
    if settings.APPEND_SLASH and position_of(CommonMiddleware) is not None:
        paths.append(f"{path}/")
    yield from ((language, entry) for entry in paths)
    if position_of(LocaleMiddleware) is not None:
        yield from ((language, f"/{language}{entry}") for entry in paths)
