"""The login page for anonymous users, and the page to which they return."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from django_metabase_sso.conf.addresses import browser_host
from django_metabase_sso.conf.settings import Conf
from django_metabase_sso.http.requests import own_host


def login_url(request: HttpRequest, path: str, conf: Conf) -> str:
    """Return the address of the login page, which leads back to `path` on this site."""
    login = urlsplit(resolve_url(conf.LOGIN_URL))
    host = browser_host(login.scheme or request.scheme or "http", login.netloc)
    if host not in ("", own_host(request)):
        path = request.build_absolute_uri(path)
    return str(redirect_to_login(path, login.geturl()).url)


def page_around(request: HttpRequest) -> str | None:
    """Return the path of the page around an iframe: the `Referer`, if it is on this site."""
    referer: str = request.META.get("HTTP_REFERER", "")
    if not url_has_allowed_host_and_scheme(referer, {own_host(request)}, request.is_secure()):
        return None
    parts = urlsplit(referer)
    if parts.path in ("", "/") and not parts.query:
        return None  # with the Referrer-Policy `origin`, the path is unknown
    path = "/" + parts.path.lstrip("/\\")  # `//` and `/\` would begin the name of another host
    return f"{path}?{parts.query}" if parts.query else path
