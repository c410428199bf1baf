"""Where somebody who is not signed in is sent, and how they come back."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, QueryDict
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from django_metabase_sso.conf import conf


def login_url(request: HttpRequest, path: str) -> str:
    """Return the address of the login page that leads back to `path` on this site."""
    login = urlsplit(resolve_url(conf.LOGIN_URL))
    elsewhere = login.netloc not in ("", request.get_host())
    query = QueryDict(login.query, mutable=True)
    query[REDIRECT_FIELD_NAME] = request.build_absolute_uri(path) if elsewhere else path
    return login._replace(query=query.urlencode(safe="/")).geturl()


def page_around(request: HttpRequest) -> str | None:
    """Return the path of the page around an iframe: the `Referer`, when it is this site's."""
    referer: str = request.META.get("HTTP_REFERER", "")
    if not url_has_allowed_host_and_scheme(referer, {request.get_host()}, request.is_secure()):
        return None
    parts = urlsplit(referer)
    path = "/" + parts.path.lstrip("/")  # two slashes would begin another host
    return f"{path}?{parts.query}" if parts.query else path
