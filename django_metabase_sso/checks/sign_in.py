"""Checks that people can sign in here, and that Metabase can send them to us."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Tags, register
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve

from django_metabase_sso.checks.messages import error, position_of, read, warning
from django_metabase_sso.http.endpoints import INCLUDE, Kind, routes

KINDS: Final[dict[Kind, str]] = {
    "sso": "signs people in to Metabase",
    "guest_token": "signs guest tokens",
}


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
