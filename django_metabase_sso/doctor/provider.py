"""Is the JWT Identity Provider URI, which Metabase sends people to, an address of ours?"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.urls import Resolver404, get_script_prefix, resolve

from django_metabase_sso.conf.addresses import DEFAULT_PORTS, origin_of
from django_metabase_sso.doctor.findings import Finding, Step
from django_metabase_sso.http.endpoints import INCLUDE, kind_of, path_of
from django_metabase_sso.troubleshooting import quoted

LOCAL: Final = ("localhost", "127.0.0.1", "[::1]", ".localhost")
FIELD: Final = "Admin > Settings > Authentication > JWT > JWT Identity Provider URI"


def judge(uri: str) -> Step[str | None]:
    """Judge the URI; learn it when it is an address of ours, whatever its scheme."""
    parts = _parsed(uri)
    problem = _problem(parts)
    if problem:
        title = f"The JWT Identity Provider URI is not ours: {quoted(uri) or 'empty'}"
        yield Finding("fault", "identity-provider", title, problem, _cure(parts))
        return None
    if parts.scheme == "http" and (settings.SECURE_SSL_REDIRECT or not is_local(parts.netloc)):
        title = f"The JWT Identity Provider URI is http: {quoted(uri)}"
        cause = "Tokens travel in the clear, and https pages may not fetch them."
        cure = f"In Metabase, set {FIELD} to https{quoted(uri[4:])}."
        yield Finding("fault", "identity-provider", title, cause, cure)
    else:
        title = f"The JWT Identity Provider URI is ours: {quoted(uri)}"
        yield Finding("ok", "identity-provider", title)
    return uri


def is_local(netloc: str) -> bool:
    """Whether nobody but this machine has this address."""
    return _is_among(netloc, LOCAL)


def own_path() -> str | None:
    """Return the path of the view; None when the project's URLs do not have it."""
    return path_of("sso")


def allowed_hosts() -> list[str]:
    """Return ALLOWED_HOSTS, and what Django takes with DEBUG and none of them."""
    hosts = list(settings.ALLOWED_HOSTS)
    return list(LOCAL) if settings.DEBUG and not hosts else hosts


def _parsed(uri: str) -> SplitResult:
    """Return the parts of the URI, none when it is no absolute http(s) URL."""
    with suppress(ValueError):
        parts = urlsplit(uri)
        if parts.scheme in DEFAULT_PORTS and uri.isascii() and " " not in uri:
            origin_of(parts.scheme, parts.netloc)
            return parts
    return urlsplit("")


def _problem(parts: SplitResult) -> str:
    if not parts.netloc:
        return "It is no absolute URL."
    if not _is_among(parts.netloc, allowed_hosts()):
        return f"ALLOWED_HOSTS does not have its host, {quoted(parts.netloc)}."
    if not _is_ours(parts.path):
        return "django-metabase-sso does not answer at its path."
    return ""


def _cure(parts: SplitResult) -> str:
    path = own_path()
    if path is None:
        return (
            f"Add {INCLUDE} to your urlpatterns, or, if its path has parameters in your project,"
            f" set {FIELD} to its address in Metabase."
        )
    is_allowed = _is_among(parts.netloc, allowed_hosts())
    host = quoted(parts.netloc) if is_allowed else "your-site.example.com"
    scheme = parts.scheme if is_local(host) else "https"
    return f"In Metabase, set {FIELD} to {scheme}://{host}{path}."


def _is_among(netloc: str, hosts: Iterable[str]) -> bool:
    host, _ = split_domain_port(netloc)
    return bool(host) and validate_host(host, hosts)


def _is_ours(path: str) -> bool:
    """Whether a path of this site is the sign-in view of this package, or a subclass of it."""
    prefix = get_script_prefix()
    if not path.startswith(prefix):
        return False
    try:
        match = resolve(f"/{path.removeprefix(prefix)}")
    except Resolver404:
        return False
    return kind_of(match.func) == "sso"
