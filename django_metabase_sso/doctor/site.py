"""This site: its settings, where its sign-in endpoint is, what it answers, what is in front."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from email.message import Message
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from django.conf import settings
from django.core.checks import ERROR, CheckMessage
from django.core.checks.registry import registry
from django.core.handlers.base import BaseHandler
from django.core.signals import got_request_exception
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase
from django.templatetags.static import static
from django.test import RequestFactory
from django.urls import Resolver404, get_script_prefix, resolve
from django.utils import translation
from django.utils.http import is_same_domain

from django_metabase_sso.checks.project import session_covers
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import DEFAULT_PORTS, InstanceURL, origin_of
from django_metabase_sso.conf.secrets import SHORTEST_SECRET
from django_metabase_sso.doctor.remote import Answer, fetch
from django_metabase_sso.doctor.report import Finding, Level, Problem, Report
from django_metabase_sso.exceptions import BadSetting
from django_metabase_sso.http.endpoints import INCLUDE, kind_of, path_of
from django_metabase_sso.troubleshooting import quoted

PACKAGE: Final = "django_metabase_sso."
LOCAL: Final = ("localhost", "127.0.0.1", "[::1]", ".localhost")
# Set to HIT by caches: CloudFront and Fastly, nginx, Cloudflare and others.
CACHE_HEADERS: Final = ("X-Cache", "X-Cache-Status", "X-Proxy-Cache", "CF-Cache-Status")
# The checks that read in the settings what a step of the doctor asks more exactly.
CLOSER: Final = {
    "metabase_sso.W008": "cookie",
    "metabase_sso.W009": "cookie",
    "metabase_sso.W016": "our-cors",
    "metabase_sso.W024": "cookie",
}
EXEMPT: Final = (
    "Exempt the endpoint's path from that middleware. Packages have a setting for it, such as"
    " OIDC_EXEMPT_URLS of mozilla-django-oidc. The SDK cannot use a redirect or HTML."
)


class Address(NamedTuple):
    """Where browsers find the sign-in endpoint.

    `prefix` is what the server adds to the path (SCRIPT_NAME), without a slash at its end.
    `is_known` is False for the best guess without an Identity Provider URI.
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
    """What this project answers, and whether that was the sign-in view."""

    response: HttpResponseBase
    is_ours: bool


def judge_settings(report: Report) -> InstanceURL | None:
    """Run the system checks of this package; return INSTANCE_URL when it can be read."""
    found = 0
    for check in registry.get_checks(include_deployment_checks=True):
        if check.__module__.startswith(PACKAGE):
            with report.step("settings"):
                found += _run(report, check)
    if not found and not report.findings:
        title = "The system checks of django-metabase-sso find nothing, with --deploy as well."
        report.ok("settings", title)
    try:
        return conf.INSTANCE_URL
    except BadSetting:  # among the findings by now
        return None


def _run(report: Report, check: Callable[..., Iterable[CheckMessage]]) -> int:
    """Report what a check finds, and return how much that is."""
    messages = check(app_configs=None, databases=None)
    loud = [message for message in messages if not message.is_silenced()]
    for message in loud:
        code = str(message.id)
        level: Level = "fault" if message.level >= ERROR else "warning"
        title = f"The settings do not pass the check {code}."
        finding = Finding(level, code, title, str(message.msg), str(message.hint or ""))
        if code in CLOSER:
            report.later(CLOSER[code], finding)
        else:
            report.add(finding)
    return len(loud)


def judge_secret(report: Report) -> bool:
    """Say how long JWT_SHARED_SECRET is; return whether it can sign. The checks have judged it."""
    try:
        length = len(conf.JWT_SHARED_SECRET)
    except BadSetting:
        return False
    title = f"JWT_SHARED_SECRET has {length} bytes, of at least {SHORTEST_SECRET}."
    report.ok("secret-length", title)
    return True


def judge_provider(report: Report, uri: str, field: str) -> Address | None:
    """Judge the JWT Identity Provider URI; return the address when it is one of this site.

    `field` is where it is set in Metabase.
    """
    parts = _parsed(uri)
    address = _address_of(parts) if parts else None
    code = "identity-provider"
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
        cause = "Tokens travel unencrypted, and https pages may not fetch them."
        cure = f"In Metabase, set {field} to https{quoted(uri[4:])}."
        report.fault(code, title, cause=cause, cure=cure)
    elif address.prefix != get_script_prefix().rstrip("/"):
        title = f"The JWT Identity Provider URI is on this site, below a prefix: {quoted(uri)}"
        cause = f"This rests on a server that adds the prefix {address.prefix} (SCRIPT_NAME,"
        cause += " --root-path). Commands know it only from FORCE_SCRIPT_NAME in the settings."
        report.ok(code, title, cause)
    else:
        report.ok(code, f"The JWT Identity Provider URI is on this site: {quoted(uri)}")
    return address


def locate(report: Report) -> Address | None:
    """Return the best guess where the endpoint is, without its address; None without a path."""
    path = path_of("sso")
    if path is None:
        report.skipped("endpoint", "Its path is not known.")
        return None
    host = next((host.lstrip(".") for host in allowed_hosts() if host != "*"), "localhost")
    secure = settings.SESSION_COOKIE_SECURE or settings.SECURE_SSL_REDIRECT
    prefix = get_script_prefix().rstrip("/")
    return Address("https" if secure else "http", host, path, prefix, is_known=False)


def ask(address: Address, method: str, headers: Mapping[str, str]) -> Reply:
    """Return the answer of this project, through all of its middleware and without a network.

    Nobody is signed in. No signal of a request's end is sent: database connections stay. Raises
    what the project or this package raised.
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

    logger = logging.getLogger("django.request")  # it would call the 401 a finding of its own
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
    return Reply(response, match is not None and kind_of(match.func) == "sso")


def judge_endpoint(report: Report, address: Address) -> bool:
    """Ask without a session; return whether it gives the one right answer, 401 with JSON."""
    response, is_ours = ask(address, "GET", {})
    status = response.status_code
    code = _code_of(response)
    if status == 401 and code == "not-authenticated":
        title = "The sign-in endpoint answers 401 and JSON to a request without a session."
        report.ok("endpoint", title)
        return True
    where = f" to {quoted(response['Location'])}" if "Location" in response else ""
    title = f"The sign-in endpoint answers {status}{where} to a request without a session."
    if code == "interrupted":
        cause, cure = "A middleware redirects the request to another page.", EXEMPT
    elif is_ours:
        cause = f"The right answer is 401 with JSON; the view itself answers {code or status}."
        cure = "Check what METABASE_SSO['AUTHENTICATE'] does with a request without credentials."
    else:
        cause, cure = "A middleware answers before the view of this package does.", EXEMPT
    report.fault("endpoint", title, cause=cause, cure=cure)
    return False


def _code_of(response: HttpResponseBase) -> str:
    """Return the `code` of one of our JSON errors, "" for any other answer."""
    body = getattr(response, "content", b"")
    if "json" not in response.get("Content-Type", ""):
        return ""
    return str(Answer(response.status_code, Message(), body, 0).json().get("code", ""))


def judge_session_cookie(report: Report, address: Address) -> bool:
    """Return whether pages of this site send the session cookie to the endpoint."""
    problem = _unsent(address)
    if problem is None:
        return True
    title = "Browsers do not send the session cookie to the sign-in endpoint."
    if conf.AUTHENTICATE:
        report.ok("cookie", title, "METABASE_SSO['AUTHENTICATE'] may work without it.")
    else:
        cause, cure = problem
        report.fault("cookie", title, cause=cause, cure=cure)
    return False


def _unsent(address: Address) -> tuple[str, str] | None:
    """Return cause and cure of a cookie that no page's request brings."""
    if not session_covers(address.path):
        path = settings.SESSION_COOKIE_PATH
        cause = f"SESSION_COOKIE_PATH is {path!r}, and the endpoint's path is {address.path}."
        return cause, 'Set SESSION_COOKIE_PATH = "/".'
    if not address.is_known:
        return None
    if settings.SESSION_COOKIE_SECURE and address.scheme == "http" and not is_local(address.host):
        cause = f"SESSION_COOKIE_SECURE is on, and {address.origin} is http."
        return cause, "Serve this site by https, and set that Identity Provider URI in Metabase."
    host = urlsplit(address.origin).hostname or ""
    domain = (settings.SESSION_COOKIE_DOMAIN or "").lstrip(".").lower()
    if domain and not is_same_domain(host, f".{domain}"):
        cause = f"SESSION_COOKIE_DOMAIN is {domain}, and the endpoint is on {host}."
        return cause, "Set SESSION_COOKIE_DOMAIN to a domain that has both, or leave it out."
    return None


def judge_caches(report: Report, address: Address, uri: str, timeout: float) -> bool:
    """Fetch the Identity Provider URI twice, without cookie and token; return if it is reached."""
    url = f"{uri}{'&' if '?' in uri else '?'}response=json"
    try:
        fetch(url, timeout)
        answer = fetch(url, timeout)
    except Problem as problem:
        why = f"{problem.finding.cause} Browsers may reach it where this machine does not."
        report.skipped("cache", why)
        return False
    cure = "Let the proxy or CDN pass this path on without caching and with its headers unchanged."
    hit = next((name for name in CACHE_HEADERS if "HIT" in answer.header(name).upper()), "")
    age, kept = answer.header("Age"), "A cache answers in place of the sign-in endpoint."
    if hit:
        cause = f"{hit}: {quoted(answer.header(hit))} says that the answer came from a cache."
        report.fault("cache", kept, cause=cause, cure=cure)
    elif age.strip("0"):
        report.fault("cache", kept, cause=f"The answer is {quoted(age)} s old.", cure=cure)
    elif answer.status != 401:
        _judge_stranger(report, address, answer)
    elif "no-store" not in answer.header("Cache-Control").lower():
        title = "The answers of the sign-in endpoint may be cached on their way."
        cause = "Cache-Control lacks no-store: something between here and Django rewrites it."
        report.fault("cache", title, cause=cause, cure=cure)
    elif age:
        title = "The answer of the sign-in endpoint has an Age header."
        cause = "A cache is in front of it. It does not seem to have kept the answer."
        report.warning("cache", title, cause=cause, cure=cure)
    else:
        report.ok("cache", "Nothing seems to keep the answers of the sign-in endpoint.")
    return True


def _judge_stranger(report: Report, address: Address, answer: Answer) -> None:
    """Report that another program answers at the Identity Provider URI."""
    title = "Another program than this site answers at the Identity Provider URI."
    location = answer.header("Location")
    where = f" It redirects to {quoted(location)}." if location else ""
    cause = f"The status is {answer.status} for a request without a session.{where}"
    cure = "Let the servers in front of Django pass this path on to it."
    if address.prefix and answer.status == 404:
        cure = f"Remove {address.prefix} from that URI, unless your server adds it (SCRIPT_NAME)."
    report.fault("cache", title, cause=cause, cure=cure)


def judge_script(report: Report, address: Address, timeout: float) -> None:
    """Ask for the script of {% metabase_config %}, as browsers do."""
    name = "django_metabase_sso/config.js"
    try:
        url = urljoin(f"{address.origin}{address.path}", static(name))
        answer = fetch(url, timeout)
        problem = "" if answer.status == 200 else f"{url} answers with status {answer.status}."
    except ValueError:  # of ManifestStaticFilesStorage
        problem = f"STATIC_ROOT does not have {name}."
    except Problem as missing:
        report.skipped("static", missing.finding.cause)
        return
    if problem:
        title = "The script of {% metabase_config %} is missing, so web components stay blank."
        cure = (
            "Run `manage.py collectstatic`. With DEBUG off, let a web server or WhiteNoise serve"
        )
        cure += " STATIC_ROOT. Without that tag you do not need it."
        report.warning("static", title, cause=problem, cure=cure)
    else:
        report.ok("static", "The script of {% metabase_config %} is served.")


def is_local(netloc: str) -> bool:
    """Whether only this machine has this address."""
    return is_among(netloc, LOCAL)


def is_among(netloc: str, hosts: Iterable[str]) -> bool:
    """Whether a host, with or without its port, fits an entry like those of ALLOWED_HOSTS."""
    host, _ = split_domain_port(netloc)
    return bool(host) and validate_host(host, hosts)


def allowed_hosts() -> list[str]:
    """Return ALLOWED_HOSTS, and what Django takes with DEBUG and none of them."""
    hosts = list(settings.ALLOWED_HOSTS)
    return list(LOCAL) if settings.DEBUG and not hosts else hosts


def _parsed(uri: str) -> SplitResult | None:
    """Return the parts of an absolute http(s) URL, None for anything else."""
    with suppress(ValueError):
        parts = urlsplit(uri)
        if parts.scheme in DEFAULT_PORTS and uri.isascii() and " " not in uri:
            netloc = origin_of(parts.scheme, parts.netloc).partition("://")[2]
            return parts._replace(netloc=netloc)
    return None


def _address_of(parts: SplitResult) -> Address | None:
    """Return the address if it leads to the sign-in view of this project, None otherwise."""
    if not is_among(parts.netloc, allowed_hosts()):
        return None
    path, configured = parts.path, get_script_prefix().rstrip("/")
    if path.startswith(configured) and _resolves(path.removeprefix(configured)):
        return Address(parts.scheme, parts.netloc, path, configured)
    # A server may add a prefix that only a request shows: gunicorn's SCRIPT_NAME, --root-path.
    for index in (index for index, char in enumerate(path) if char == "/" and index):
        if _resolves(path[index:]):
            return Address(parts.scheme, parts.netloc, path, path[:index])
    # A middleware may choose other URLs for a host: django-hosts, django-tenants.
    address = Address(parts.scheme, parts.netloc, path, configured)
    return address if path.startswith(configured) and ask(address, "GET", {}).is_ours else None


def _resolves(path: str) -> bool:
    """Whether ROOT_URLCONF has the sign-in view at a path, in the language of that path."""
    language = translation.get_language_from_path(path) or settings.LANGUAGE_CODE
    with translation.override(language), suppress(Resolver404):
        return kind_of(resolve(path).func) == "sso"
    return False


def _cure(parts: SplitResult | None, field: str) -> str:
    path = path_of("sso")
    if path is None:
        return (
            f"Add {INCLUDE} to your urlpatterns. If your path to the view has parameters, set"
            f" {field} to its address in Metabase."
        )
    host, scheme = "your-site.example.com", "https"
    if parts and is_among(parts.netloc, allowed_hosts()):
        host = quoted(parts.netloc)
        scheme = parts.scheme if is_local(host) else scheme
    return f"In Metabase, set {field} to {scheme}://{host}{path}."
