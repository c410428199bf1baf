"""Checks of what a browser needs: CORS, the order of middleware, the session cookie."""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.middleware.common import CommonMiddleware

from django_metabase_sso.checks.messages import error, position_of, read, warning
from django_metabase_sso.conf.addresses import site_of
from django_metabase_sso.middleware import SSOCorsMiddleware

MIDDLEWARE_HINT = """Begin MIDDLEWARE with:
    "django_metabase_sso.middleware.SSOCorsMiddleware",
    "corsheaders.middleware.CorsMiddleware","""
ACROSS_SITES = (
    'Set SESSION_COOKIE_SAMESITE = "None" and SESSION_COOKIE_SECURE = True, or serve both from'
    " one site, or send a header and set METABASE_SSO['AUTHENTICATE']."
)
END_ANCHOR = re.compile(r"(?<!\\)(\$|\\[Zz])\)*\Z")
NOBODYS_ORIGIN = "https://anybody.invalid"


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


@register(Tags.security, deploy=True)
def check_open_origins(**kwargs: Any) -> list[CheckMessage]:
    """Report origins that more people control than the project may think."""
    found: list[CheckMessage] = []
    for entry in read("ALLOWED_ORIGINS") or ():
        where = f"METABASE_SSO['ALLOWED_ORIGINS']: {entry.text!r}"
        if entry.wildcard:
            message = f"{where} trusts every host below {entry.host}, forgotten ones too."
            found.append(warning(5, message, "Name each front end by its exact origin."))
        if entry.scheme == "http" and not entry.is_local:
            message = f"{where} is http: whoever is on the network can be that origin."
            found.append(warning(6, message, f"Write {'https' + entry.text[4:]!r}."))
    return found
