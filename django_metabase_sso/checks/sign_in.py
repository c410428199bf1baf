"""Checks that people can sign in here, and that Metabase can send them to us."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Tags, register
from django.shortcuts import resolve_url
from django.urls import (
    NoReverseMatch,
    Resolver404,
    URLResolver,
    get_resolver,
    get_script_prefix,
    resolve,
)

from django_metabase_sso.checks.messages import error, position_of, read, warning


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
    """Report that there is no such page."""
    if not getattr(settings, "ROOT_URLCONF", None) or _has_view(get_resolver()):
        return []
    message = "The project's URLs do not include django_metabase_sso.urls."
    hint = 'Add to urlpatterns: path("sso/", include("django_metabase_sso.urls"))'
    return [warning(14, message, hint)]


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


def _has_view(resolver: URLResolver) -> bool:
    return any(
        _has_view(entry)
        if isinstance(entry, URLResolver)
        else getattr(entry.callback, "metabase_sso", False)
        for entry in resolver.url_patterns
    )
