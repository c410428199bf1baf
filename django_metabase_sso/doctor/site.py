"""Steps about this site: its settings, and the address and the answers of its endpoint."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from email.message import Message
from importlib import import_module
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.backends.cache import SessionStore as InCache
from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.core.checks import ERROR, CheckMessage
from django.core.checks.registry import registry
from django.core.handlers.base import BaseHandler
from django.core.signals import got_request_exception
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from django.urls import Resolver404, get_script_prefix, resolve
from django.utils import translation
from django.utils.crypto import get_random_string
from django.utils.http import is_same_domain

from django_metabase_sso.checks.project import session_covers
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import DEFAULT_PORTS, InstanceURL, origin_of
from django_metabase_sso.conf.secrets import SHORTEST_SECRET
from django_metabase_sso.doctor.metabase import Provider
from django_metabase_sso.doctor.remote import Answer
from django_metabase_sso.doctor.report import Finding, Level, Report
from django_metabase_sso.exceptions import BadSetting
from django_metabase_sso.http.endpoints import INCLUDE, kind_of, path_of
from django_metabase_sso.troubleshooting import quoted

PACKAGE: Final = "django_metabase_sso."
LOCAL: Final = ("localhost", "127.0.0.1", "[::1]", ".localhost")
# System checks for which a step of the doctor gives a more exact result.
CLOSER: Final = {
    "metabase_sso.W001": "secret",
    "metabase_sso.W008": "cookie",
    "metabase_sso.W009": "cookie",
    "metabase_sso.W014": "identity-provider",
    "metabase_sso.W016": "our-cors",
    "metabase_sso.W023": "endpoint",
    "metabase_sso.W024": "cookie",
    "metabase_sso.W033": "static",
}
EXEMPT: Final = (
    "Exempt the endpoint's path from that middleware. Packages have a setting for it, such as"
    " OIDC_EXEMPT_URLS of mozilla-django-oidc. Do not use login_required for the view, which"
    " answers anonymous users itself. The SDK cannot use a redirect or HTML."
)


class Address(NamedTuple):
    """The address of the sign-in endpoint.

    `prefix` is the part of the path that the server adds (SCRIPT_NAME), without a slash at its
    end. `is_known` is False if the address is a guess because there is no Identity Provider URI.
    """

    scheme: str
    host: str
    path: str
    prefix: str = ""
    is_known: bool = True

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}"


class Reply(NamedTuple):
    """This project's answer, and whether it came from the sign-in view.

    `other` is the route of another URL pattern that matched, or None.
    """

    response: HttpResponseBase
    is_ours: bool
    other: str | None = None


def judge_settings(report: Report) -> InstanceURL | None:
    """Run the system checks of this package, and return INSTANCE_URL if it is valid."""
    found = 0
    for check in registry.get_checks(include_deployment_checks=True):
        if check.__module__.startswith(PACKAGE):
            found += report.step("settings", _run, check) or 0
    if not found and not report.findings:
        title = "The system checks of django-metabase-sso, including --deploy, find nothing."
        report.ok("settings", title)
    try:
        return conf.INSTANCE_URL
    except BadSetting:  # already reported
        return None


def _run(report: Report, check: Callable[..., Iterable[CheckMessage]]) -> int:
    """Report the findings of a system check, and return their number."""
    messages = check(app_configs=None, databases=None)
    loud = [message for message in messages if not message.is_silenced()]
    for message in loud:
        code = str(message.id)
        level: Level = "fault" if message.level >= ERROR else "warning"
        title = f"The settings do not pass the check {code}."
        finding = Finding(level, code, title, str(message.msg), str(message.hint or ""))
        if "EMBEDDING_SECRET_KEY" in finding.cause and code == "metabase_sso.W001":
            report.later("embedding-secret", finding)
        elif code in CLOSER:
            report.later(CLOSER[code], finding)
        else:
            report.add(finding)
    return len(loud)


def judge_secret(report: Report) -> bool:
    """Report the length of JWT_SHARED_SECRET, and return whether it can sign."""
    try:
        length = len(conf.JWT_SHARED_SECRET)
    except BadSetting:
        return False
    title = f"JWT_SHARED_SECRET has {length} bytes. It needs at least {SHORTEST_SECRET}."
    report.ok("secret-length", title)
    return True


def judge_provider(report: Report, provider: Provider) -> Address | None:
    """Check the JWT Identity Provider URI, and return its address if it is on this site."""
    uri, field = provider.uri, provider.field
    parts = _parsed(uri)
    address = _address_of(parts) if parts else None
    code = "identity-provider"
    if parts and address is None and _is_hidden(parts):  # judge_endpoint names the cause
        return Address(parts.scheme, parts.netloc, parts.path, get_script_prefix().rstrip("/"))
    if parts is None or address is None:
        cause = "It is not an absolute URL."
        if parts:
            cause = "The sign-in view of this package is not at its path."
            if not is_among(parts.netloc, allowed_hosts()):
                cause = f"ALLOWED_HOSTS does not have its host, {quoted(parts.netloc)}."
        title = f"The JWT Identity Provider URI is not on this site: {quoted(uri) or 'empty'}"
        report.fault(code, title, cause=cause, cure=_cure(parts, field))
        return None
    is_unsafe = settings.SECURE_SSL_REDIRECT or not is_local(address.host)
    if address.scheme == "http" and is_unsafe:
        title = f"The JWT Identity Provider URI is http: {quoted(uri)}"
        cause = "Tokens are sent unencrypted, and pages with https may not request them."
        cure = f"In Metabase, set {field} to https{quoted(uri[4:])}."
        report.fault(code, title, cause=cause, cure=cure)
        return address._replace(scheme="https")
    if address.prefix != get_script_prefix().rstrip("/"):
        title = f"The JWT Identity Provider URI is on this site, below a prefix: {quoted(uri)}"
        cause = f"This assumes that your server adds the prefix {address.prefix} (SCRIPT_NAME,"
        cause += " --root-path). Commands know it only from FORCE_SCRIPT_NAME in the settings."
        report.ok(code, title, cause)
    else:
        report.ok(code, f"The JWT Identity Provider URI is on this site: {quoted(uri)}")
    return address


def locate(report: Report) -> Address | None:
    """Return a guess of the endpoint's address, or None if its path is unknown."""
    path = path_of("sso")
    if path is None:
        report.skipped("endpoint", "Its path is not known.")
        return None
    host = next((host.lstrip(".") for host in allowed_hosts() if host != "*"), "localhost")
    secure = settings.SESSION_COOKIE_SECURE or settings.SECURE_SSL_REDIRECT
    prefix = get_script_prefix().rstrip("/")
    return Address("https" if secure else "http", host, path, prefix, is_known=False)


def ask(address: Address, method: str, headers: Mapping[str, str]) -> Reply:
    """Send an anonymous request through all of this project's middleware, without a network.

    The signal for the end of a request is not sent, so database connections stay open. Raises all
    exceptions of the project and of this package.
    """
    handler = BaseHandler()
    handler.load_middleware()
    request = RequestFactory().generic(
        method,
        f"{address.path.removeprefix(address.prefix)}?response=json",
        secure=address.scheme == "https",
        headers={"Host": address.host, "Accept": "*/*", **headers},
        SCRIPT_NAME=address.prefix,
    )
    raised: list[Any] = []

    def keep(**kwargs: object) -> None:
        raised.append(sys.exc_info()[1])

    logger = logging.getLogger("django.request")  # it would print a warning about the 401
    was_disabled, logger.disabled = logger.disabled, True
    got_request_exception.connect(keep)
    try:
        with translation.override(translation.get_language()):
            response = handler.get_response(request)
    finally:
        got_request_exception.disconnect(keep)
        logger.disabled = was_disabled
    if raised:
        raise raised[0]
    match = request.resolver_match
    if match is None or kind_of(match.func) == "sso":
        return Reply(response, is_ours=match is not None)
    return Reply(response, is_ours=False, other=match.route)


def judge_endpoint(report: Report, address: Address) -> bool:
    """Send a request without a session, and return whether the answer is 401 with JSON."""
    response, is_ours, other = ask(address, "GET", {})
    status = response.status_code
    code = _code_of(response)
    if status == 401 and code == "not-authenticated":
        title = "The sign-in endpoint answers 401 and JSON to a request without a session."
        report.ok("endpoint", title)
        return True
    where = f" to {quoted(response['Location'])}" if "Location" in response else ""
    title = f"The sign-in endpoint answers {status}{where} to a request without a session."
    if other is not None:
        cause = (
            f"Another URL pattern matches {address.path} first: {quoted(other) or 'an empty one'}"
        )
        cure = f"Move {INCLUDE} above that pattern in your urlpatterns."
    elif code == "interrupted" or 300 <= status < 400:
        cause = "A middleware, or a decorator around the view, redirects to another page."
        cure = EXEMPT
    elif is_ours:
        cause = f"The answer should be 401 with JSON, but the view answers {code or status}."
        cure = "Check what METABASE_SSO['AUTHENTICATE'] does with a request without credentials."
    else:
        cause, cure = "A middleware answers before the view of this package does.", EXEMPT
    report.fault("endpoint", title, cause=cause, cure=cure)
    return False


def _code_of(response: HttpResponseBase) -> str:
    """Return the `code` of this package's JSON error, or "" for other answers."""
    body = getattr(response, "content", b"")
    if "json" not in response.get("Content-Type", ""):
        return ""
    return str(Answer(response.status_code, Message(), body, 0).json().get("code", ""))


def judge_sessions(report: Report) -> None:
    """Look up a session that does not exist, to check that the session store works."""
    if not apps.is_installed("django.contrib.sessions"):
        return
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    if isinstance(store, InCache) and isinstance(caches[settings.SESSION_CACHE_ALIAS], DummyCache):
        title = "Sessions are not stored, so users are not signed in."
        cause = f"SESSION_ENGINE is {settings.SESSION_ENGINE}, and its cache is a DummyCache."
        cure = 'Set SESSION_ENGINE = "django.contrib.sessions.backends.db", or use another cache.'
        report.fault("session", title, cause=cause, cure=cure)
        return
    try:
        store.exists(get_random_string(32))
    except Exception as error:  # noqa: BLE001 - each store has its own exceptions
        title = "Sessions cannot be read, so users are not signed in."
        cause = f"SESSION_ENGINE is {settings.SESSION_ENGINE}, which raised"
        cause += f" {type(error).__name__}."
        cure = "Start the database or the cache of the sessions, or correct its address in the"
        cure += " settings. If its table is missing, run `manage.py migrate`."
        report.fault("session", title, cause=cause, cure=cure)
    else:
        report.ok("session", "Sessions can be read.")


def judge_session_cookie(report: Report, address: Address) -> bool:
    """Return whether pages of this site send the session cookie to the endpoint."""
    problem = _unsent(address)
    if problem is None:
        return True
    title = "Browsers do not send the session cookie to the sign-in endpoint."
    report_unsent(report, title, *problem)
    return False


def report_unsent(report: Report, title: str, cause: str, cure: str) -> None:
    """Report that the session cookie is not sent, which may not matter with AUTHENTICATE."""
    if conf.AUTHENTICATE:
        report.ok("cookie", title, "METABASE_SSO['AUTHENTICATE'] may work without it.")
    else:
        report.fault("cookie", title, cause=cause, cure=cure)


def _unsent(address: Address) -> tuple[str, str] | None:
    """Return the cause and the cure if no page can send the cookie, or None."""
    if not session_covers(address.path):
        path = settings.SESSION_COOKIE_PATH
        cause = f"SESSION_COOKIE_PATH is {path!r}, and the endpoint's path is {address.path}."
        return cause, 'Set SESSION_COOKIE_PATH = "/".'
    if not address.is_known:
        return None
    host = urlsplit(address.origin).hostname or ""
    domain = (settings.SESSION_COOKIE_DOMAIN or "").lstrip(".").lower()
    if domain and not is_same_domain(host, f".{domain}"):
        cause = f"SESSION_COOKIE_DOMAIN is {domain}, and the endpoint is on {host}."
        return cause, "Set SESSION_COOKIE_DOMAIN to a domain that contains both, or remove it."
    return None


def is_local(netloc: str) -> bool:
    """Return whether this is an address of this machine, such as localhost."""
    return is_among(netloc, LOCAL)


def is_among(netloc: str, hosts: Iterable[str]) -> bool:
    """Return whether a host, with or without its port, matches entries like ALLOWED_HOSTS."""
    host, _ = split_domain_port(netloc)
    return bool(host) and validate_host(host, hosts)


def allowed_hosts() -> list[str]:
    """Return ALLOWED_HOSTS, or Django's defaults if it is empty and DEBUG is on."""
    hosts = list(settings.ALLOWED_HOSTS)
    return list(LOCAL) if settings.DEBUG and not hosts else hosts


def _parsed(uri: str) -> SplitResult | None:
    """Return the parts of an absolute http(s) URL, or None for anything else."""
    with suppress(ValueError):
        parts = urlsplit(uri)
        if parts.scheme in DEFAULT_PORTS and uri.isascii() and " " not in uri:
            netloc = origin_of(parts.scheme, parts.netloc).partition("://")[2]
            return parts._replace(netloc=netloc)
    return None


def _address_of(parts: SplitResult) -> Address | None:
    """Return the address if it leads to the sign-in view of this project, or None."""
    if not is_among(parts.netloc, allowed_hosts()):
        return None
    path, configured = parts.path, get_script_prefix().rstrip("/")
    if path.startswith(configured) and _resolves(path.removeprefix(configured)):
        return Address(parts.scheme, parts.netloc, path, configured)
    # A server may add a prefix that only requests have: gunicorn's SCRIPT_NAME, --root-path.
    for index in (index for index, char in enumerate(path) if char == "/" and index):
        if _resolves(path[index:]):
            return Address(parts.scheme, parts.netloc, path, path[:index])
    # A middleware may use other URLs for a host: django-hosts, django-tenants.
    address = Address(parts.scheme, parts.netloc, path, configured)
    return address if path.startswith(configured) and ask(address, "GET", {}).is_ours else None


def _resolves(path: str) -> bool:
    """Return whether ROOT_URLCONF has the sign-in view at a path, in the path's language."""
    language = translation.get_language_from_path(path) or settings.LANGUAGE_CODE
    with translation.override(language), suppress(Resolver404):
        return kind_of(resolve(path).func) == "sso"
    return False


def _is_hidden(parts: SplitResult) -> bool:
    """Whether an address is that of the sign-in view, but another URL pattern matches it first."""
    if not is_among(parts.netloc, allowed_hosts()):
        return False
    return parts.path.rstrip("/") == (path_of("sso") or "?").rstrip("/")


def _cure(parts: SplitResult | None, field: str) -> str:
    path = path_of("sso")
    if path is None:
        return (
            f"Add {INCLUDE} to your urlpatterns. If your path to the view has parameters, set"
            f" {field} to its address in Metabase."
        )
    host, scheme = "your-site.example.com", "https"
    own = ""
    if parts and not is_among(parts.netloc, allowed_hosts()):
        own = f" If {quoted(parts.netloc)} is this site, add it to ALLOWED_HOSTS instead."
    elif parts:
        host = quoted(parts.netloc)
        scheme = parts.scheme if is_local(host) else scheme
    return f"In Metabase, set {field} to {scheme}://{host}{path}.{own}"
