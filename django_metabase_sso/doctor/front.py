"""What is between browsers and this site: proxies, caches, and the server of static files."""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import urljoin

from django.conf import settings
from django.templatetags.static import static

from django_metabase_sso.doctor.remote import Answer, fetch
from django_metabase_sso.doctor.report import Finding, Problem, Report
from django_metabase_sso.doctor.site import Address, is_local
from django_metabase_sso.troubleshooting import quoted

# What answers at the Identity Provider URI. "wrong": another protocol than the one of the URI, on
# this machine; "silent": nothing, on this machine; "unknown": nothing that is seen from here.
Reached = Literal["site", "wrong", "silent", "unknown"]
# Set to HIT by caches: CloudFront and Fastly, nginx, Cloudflare and others.
CACHE_HEADERS: Final = ("X-Cache", "X-Cache-Status", "X-Proxy-Cache", "CF-Cache-Status")


def judge_caches(
    report: Report, address: Address, uri: str, field: str, timeout: float
) -> Reached:
    """Fetch the Identity Provider URI twice, without cookie and token; return what answers."""
    url = f"{uri}{'&' if '?' in uri else '?'}response=json"
    try:
        fetch(url, timeout)
        answer = fetch(url, timeout)
    except Problem as problem:
        return _judge_unreached(report, address, field, problem.finding)
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
    return "site"


def _judge_unreached(report: Report, address: Address, field: str, found: Finding) -> Reached:
    """Report that nothing answers at the Identity Provider URI, where only browsers here could."""
    code = "cache"
    if not is_local(address.host):
        why = f"{found.cause} Browsers may reach it where this machine does not."
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
    title = "Another program than this site answers at the Identity Provider URI."
    location = answer.header("Location")
    where = f" It redirects to {quoted(location)}." if location else ""
    cause = f"The status is {answer.status} for a request without a session.{where}"
    cure = "Let the servers in front of Django pass this path on to it."
    if settings.SECURE_SSL_REDIRECT and location.startswith(f"{address.origin}{address.path}"):
        title = "This site redirects the Identity Provider URI to itself, without an end."
        cause = (
            "SECURE_SSL_REDIRECT is on, and Django does not see that the request came by https."
        )
        cure = 'Set SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https"), if the proxy in'
        cure += " front of Django sets that header and removes it from the requests of browsers."
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
