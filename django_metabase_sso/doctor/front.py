"""Steps about proxies and caches in front of this site, and its static files."""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import urljoin

from django.conf import settings
from django.templatetags.static import static

from django_metabase_sso.doctor.metabase import Provider
from django_metabase_sso.doctor.remote import Answer, fetch
from django_metabase_sso.doctor.report import Finding, Problem, Report
from django_metabase_sso.doctor.site import Address, is_local
from django_metabase_sso.troubleshooting import quoted

# What answers at the Identity Provider URI. "wrong": another protocol than that of the URI, on
# this machine. "silent": nothing, on this machine. "unknown": nothing that this machine can reach.
Reached = Literal["site", "wrong", "silent", "unknown"]
# Headers that caches set to HIT: CloudFront and Fastly, nginx, Cloudflare and others.
CACHE_HEADERS: Final = ("X-Cache", "X-Cache-Status", "X-Proxy-Cache", "CF-Cache-Status")


def judge_caches(report: Report, address: Address, provider: Provider) -> Reached:
    """Request the Identity Provider URI twice, without cookies, and return what answers."""
    uri, timeout = provider.uri, provider.remote.timeout
    url = f"{uri}{'&' if '?' in uri else '?'}response=json"
    try:
        fetch(url, timeout)
        answer = fetch(url, timeout)
    except Problem as problem:
        return _judge_unreached(report, address, provider.field, problem.finding)
    cure = "Configure the proxy or CDN not to cache this path, and not to change its headers."
    hit = next((name for name in CACHE_HEADERS if "HIT" in answer.header(name).upper()), "")
    age, kept = answer.header("Age"), "A cache answers instead of the sign-in endpoint."
    if hit:
        cause = f"{hit}: {quoted(answer.header(hit))} says that the answer came from a cache."
        report.fault("cache", kept, cause=cause, cure=cure)
    elif age.strip("0"):
        report.fault("cache", kept, cause=f"The answer is {quoted(age)} s old.", cure=cure)
    elif answer.status != 401:
        _judge_stranger(report, address, answer)
    elif "no-store" not in answer.header("Cache-Control").lower():
        title = "Proxies and browsers may cache the answers of the sign-in endpoint."
        cause = "Cache-Control does not contain no-store. A proxy in front of Django changes it."
        report.fault("cache", title, cause=cause, cure=cure)
    elif age:
        title = "The answer of the sign-in endpoint has an Age header."
        cause = "There is a cache in front of it, which does not seem to have kept the answer."
        report.warning("cache", title, cause=cause, cure=cure)
    else:
        report.ok("cache", "Answers of the sign-in endpoint do not seem to be cached.")
    return "site"


def _judge_unreached(report: Report, address: Address, field: str, found: Finding) -> Reached:
    """Report that nothing answers at the Identity Provider URI."""
    code = "cache"
    if not is_local(address.host):
        why = f"{found.cause} Browsers on other machines may be able to reach it."
        report.skipped("cache", why)
        return "unknown"
    if found.code == "network-refused":
        title = f"Nothing answers at the JWT Identity Provider URI, {address.origin}."
        cure = f"Start this site there, or correct the port in Metabase: {field}."
        report.warning(code, title, cause=found.cause, cure=cure)
        return "silent"
    title = f"This site does not answer at the JWT Identity Provider URI, {address.origin}."
    cure = f"Correct the scheme or the port in Metabase: {field}."
    report.fault(code, title, cause=found.cause, cure=cure)
    return "wrong"


def _judge_stranger(report: Report, address: Address, answer: Answer) -> None:
    """Report that another program answers at the Identity Provider URI."""
    title = "A program other than this site answers at the Identity Provider URI."
    location = answer.header("Location")
    where = f" It redirects to {quoted(location)}." if location else ""
    cause = f"The status is {answer.status} for a request without a session.{where}"
    cure = "Configure the servers in front of Django to forward this path to it."
    if settings.SECURE_SSL_REDIRECT and location.startswith(f"{address.origin}{address.path}"):
        title = "This site redirects the Identity Provider URI to itself in an endless loop."
        cause = "SECURE_SSL_REDIRECT is on, but Django does not know that the request used https."
        cure = 'Set SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https"), if the proxy in'
        cure += " front of Django sets that header and removes it from the requests of browsers."
    if address.prefix and answer.status == 404:
        cure = f"Remove {address.prefix} from that URI, unless your server adds it (SCRIPT_NAME)."
    report.fault("cache", title, cause=cause, cure=cure)


def judge_script(report: Report, address: Address, timeout: float) -> None:
    """Request the script of {% metabase_config %}, as browsers do."""
    name = "django_metabase_sso/config.js"
    try:
        url = urljoin(f"{address.origin}{address.path}", static(name))
        answer = fetch(url, timeout)
        problem = "" if answer.status == 200 else f"{url} answers with status {answer.status}."
    except ValueError:  # raised by ManifestStaticFilesStorage
        problem = f"STATIC_ROOT does not have {name}."
    except Problem as missing:
        report.skipped("static", missing.finding.cause)
        return
    if problem:
        title = "The script of {% metabase_config %} is missing, so web components stay blank."
        cure = (
            "Run `manage.py collectstatic`. With DEBUG off, let a web server or WhiteNoise serve"
        )
        cure += " STATIC_ROOT. You can ignore this if you do not use that tag."
        report.warning("static", title, cause=problem, cure=cure)
    else:
        report.ok("static", "The script of {% metabase_config %} is served.")
