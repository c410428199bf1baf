"""Checks of Django's own settings: middleware, sessions, CORS, URLs, the login page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, get_script_prefix, is_valid_path
from django.utils import translation

from django_metabase_sso.checks.messages import as_written, position_of, read, register
from django_metabase_sso.conf.addresses import site_of
from django_metabase_sso.http.endpoints import INCLUDE, Kind, path_of, routes

COMMON = "django.middleware.common.CommonMiddleware"
LOCALE = "django.middleware.locale.LocaleMiddleware"
CORS = (
    "django_metabase_sso.middleware.SSOCorsMiddleware",
    "corsheaders.middleware.CorsMiddleware",
)
LOGIN = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)
MIDDLEWARE_HINT = "\n".join(["Begin MIDDLEWARE with:", *(f'    "{path}",' for path in CORS)])
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
def check_middleware(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report ALLOWED_ORIGINS without what makes them work."""
    if not read("ALLOWED_ORIGINS"):
        return
    ours, theirs, common = map(position_of, (*CORS, COMMON))
    message, hint = "", MIDDLEWARE_HINT
    if not apps.is_installed("corsheaders"):
        message = "METABASE_SSO['ALLOWED_ORIGINS'] needs django-cors-headers."
        hint = 'Add "corsheaders" to INSTALLED_APPS.'
    elif ours is None or theirs is None:
        message = "METABASE_SSO['ALLOWED_ORIGINS'] needs two middlewares, and one is missing."
    elif theirs != ours + 1:
        message = "SSOCorsMiddleware is not directly above CorsMiddleware."
    elif common is not None and common < ours:
        message = (
            "SSOCorsMiddleware must be above CommonMiddleware, whose redirects lack CORS headers"
            " otherwise."
        )
    if message:
        yield checks.Error(message, hint, id="metabase_sso.E022")


@register(Tags.security)
def check_cors(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report CORS settings of the project that keep front ends from asking for a token."""
    if not read("ALLOWED_ORIGINS"):
        return
    allowed = getattr(settings, "CORS_ALLOW_HEADERS", ("authorization", "content-type"))
    headers = {header.lower() for header in allowed}
    if as_written("AUTHENTICATE") and "authorization" not in headers:
        message = "CORS_ALLOW_HEADERS has no 'authorization': browsers will not send that header."
        hint = 'Add "authorization" to CORS_ALLOW_HEADERS.'
        yield checks.Warning(message, hint, id="metabase_sso.W016")
    methods = getattr(settings, "CORS_ALLOW_METHODS", ("POST",))
    if as_written("GUEST_PARAMS") and ("content-type" not in headers or "POST" not in methods):
        message = "The CORS settings do not allow the POST with JSON that requests a guest token."
        hint = 'Add "content-type" to CORS_ALLOW_HEADERS, and "POST" to CORS_ALLOW_METHODS.'
        yield checks.Warning(message, hint, id="metabase_sso.W016")


@register(Tags.security)
def check_cookies(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a session cookie that does not arrive where it is needed."""
    same_site = str(settings.SESSION_COOKIE_SAMESITE or "").lower()  # as browsers compare it
    if same_site == "strict":
        message = (
            "SESSION_COOKIE_SAMESITE is 'Strict': browsers do not send the session cookie when"
            " Metabase redirects to this site."
        )
        hint = 'Set SESSION_COOKIE_SAMESITE = "Lax".'
        yield checks.Warning(message, hint, id="metabase_sso.W008")
    elif as_written("AUTHENTICATE"):
        return
    elif same_site != "none":
        yield from _check_origins()
    elif not settings.SESSION_COOKIE_SECURE:
        message = (
            "SESSION_COOKIE_SAMESITE is 'None' without SESSION_COOKIE_SECURE: browsers reject the"
            " session cookie."
        )
        yield checks.Warning(message, "Set SESSION_COOKIE_SECURE = True.", id="metabase_sso.W008")


def _check_origins() -> Iterator[CheckMessage]:
    hosts = [settings.SESSION_COOKIE_DOMAIN or "", *settings.ALLOWED_HOSTS]
    sites = {site_of(host.lstrip(".")) for host in hosts if host.strip(".*")}
    origins = read("ALLOWED_ORIGINS") or ()
    foreign = [entry.text for entry in origins if site_of(entry.host) not in sites]
    if foreign and sites and "*" not in hosts:
        message = (
            f"{', '.join(foreign)} and ALLOWED_HOSTS are different sites: browsers do not send the"
            f" session cookie (SESSION_COOKIE_SAMESITE = {settings.SESSION_COOKIE_SAMESITE!r})."
        )
        yield checks.Warning(message, ACROSS_SITES, id="metabase_sso.W009")


@register(Tags.security, deploy=True)
def check_cookie_path(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a session cookie that browsers keep from the sign-in view."""
    path = path_of("sso") if getattr(settings, "ROOT_URLCONF", None) else None
    if path is not None and not as_written("AUTHENTICATE") and not session_covers(path):
        yield checks.Warning(
            f"SESSION_COOKIE_PATH = {settings.SESSION_COOKIE_PATH!r}: browsers do not send the"
            f" session cookie to {path}, so nobody is signed in there.",
            'Set SESSION_COOKIE_PATH = "/". If your server removes that prefix from the path, set'
            " FORCE_SCRIPT_NAME to the prefix.",
            id="metabase_sso.W024",
        )


def session_covers(path: str) -> bool:
    """Whether browsers send the session cookie to a path: RFC 6265, section 5.1.4."""
    covered: str = settings.SESSION_COOKIE_PATH
    if not covered or not covered.startswith("/") or path == covered:
        return True  # without a path of its own, a cookie has that of the page that set it
    return path.startswith(covered if covered.endswith("/") else f"{covered}/")


@register(Tags.security)
def check_login(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a project in which nobody can be signed in."""
    if not as_written("AUTHENTICATE") and None in map(position_of, LOGIN):
        yield checks.Warning(
            "No middleware in MIDDLEWARE is known to set request.user: all users would be"
            " anonymous.",
            "Add SessionMiddleware and AuthenticationMiddleware to MIDDLEWARE, or set"
            " METABASE_SSO['AUTHENTICATE']. If a middleware of your own sets request.user, add"
            ' "metabase_sso.W023" to SILENCED_SYSTEM_CHECKS.',
            id="metabase_sso.W023",
        )


@register(Tags.urls)
def check_urls(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report that no URL leads to the sign-in view, or that several lead to one of the views."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return
    if not routes("sso"):
        if not any(hasattr(settings, name) for name in CHOSEN_BY_REQUEST):
            message = "The project's URLs do not include django_metabase_sso.urls."
            yield checks.Warning(message, f"Add to urlpatterns: {INCLUDE}", id="metabase_sso.W014")
        return
    several = [_several(kind) for kind in KINDS if len(routes(kind)) > 1]
    if several:
        message = " ".join(several)
        message += " The template tags use the first one; the others answer as well."
        hint = (
            "Keep one. If you subclass a view, write a path() for each view that you need, and do"
            " not include django_metabase_sso.urls."
        )
        yield checks.Warning(message, hint, id="metabase_sso.W030")


def _several(kind: Kind) -> str:
    places = [f"{route.route!r} ({route.view_name})" for route in routes(kind)]
    return f"Several URL patterns lead to a view that {KINDS[kind]}: {', '.join(places)}."


@register(Tags.urls, deploy=True)
def check_login_page(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report that LOGIN_URL does not lead to a page."""
    login = read("LOGIN_URL")
    is_used = login and getattr(settings, "ROOT_URLCONF", None) and not as_written("AUTHENTICATE")
    if is_used and not _leads_to_a_page(login):
        yield checks.Warning(
            f"Users cannot sign in: no URL pattern matches LOGIN_URL, {login!r}.",
            'Add path("accounts/", include("django.contrib.auth.urls")) and a template'
            " registration/login.html, or set LOGIN_URL to your login page.",
            id="metabase_sso.W021",
        )


def _leads_to_a_page(login: str) -> bool:
    """Whether there is a page at LOGIN_URL, or where Django's middlewares redirect it to."""
    try:
        url = resolve_url(login)
    except NoReverseMatch:
        return False
    prefix = get_script_prefix()
    if not url.startswith("/") and not urlsplit(url).netloc:
        return False  # a browser adds it to our own path
    if not url.startswith(prefix) or url.startswith("//"):
        return True  # another site, or another application of this one
    path = f"/{urlsplit(url).path.removeprefix(prefix)}"
    language = translation.get_language_from_path(path) or settings.LANGUAGE_CODE
    starts = ["", f"/{language}"] if position_of(LOCALE) is not None else [""]
    ends = ["", "/"] if settings.APPEND_SLASH and position_of(COMMON) is not None else [""]
    with translation.override(language):
        return any(is_valid_path(f"{start}{path}{end}") for start in starts for end in ends)
