"""Our own endpoint: where it is, what it answers, and whether something keeps its answers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from django.urls import get_script_prefix

from django_metabase_sso.doctor.answers import Answer
from django_metabase_sso.doctor.findings import Finding, Level, Problem, Step, skipped
from django_metabase_sso.doctor.network import fetch
from django_metabase_sso.doctor.provider import allowed_hosts, own_path
from django_metabase_sso.troubleshooting import quoted

# Set to HIT by caches: CloudFront and Fastly, nginx, Cloudflare and others.
CACHE_HEADERS = ("X-Cache", "X-Cache-Status", "X-Proxy-Cache", "CF-Cache-Status")


class Address(NamedTuple):
    """Where browsers find the view."""

    scheme: str
    host: str
    path: str

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}"


def locate(provider: str | None) -> Step[Address | None]:
    """Learn where the Identity Provider URI is, else the best guess; None without a path."""
    if provider:
        parts = urlsplit(provider)
        return Address(parts.scheme, parts.netloc.lower(), parts.path)
    path = own_path()
    if path is None:
        yield skipped("endpoint", "our own endpoint", "Its URL is not known.")
        return None
    host = next((host.lstrip(".") for host in allowed_hosts() if host != "*"), "localhost")
    secure = settings.SESSION_COOKIE_SECURE or settings.SECURE_SSL_REDIRECT
    return Address("https" if secure else "http", host, path)


def ask(address: Address, method: str, headers: Mapping[str, str]) -> HttpResponseBase:
    """Return the answer of this project, through all of its middleware and without a network.

    Nobody is signed in. No signal of a request's end is sent: database connections stay.
    """
    handler = BaseHandler()
    handler.load_middleware()
    prefix = get_script_prefix().rstrip("/")
    request = RequestFactory().generic(
        method,
        f"{address.path.removeprefix(prefix)}?response=json",
        secure=address.scheme == "https",
        headers={"Host": address.host, "Accept": "*/*", **headers},
        SCRIPT_NAME=prefix,
    )
    logger = logging.getLogger("django.request")  # it would call our 401 a finding of its own
    was_disabled, logger.disabled = logger.disabled, True
    try:
        return handler.get_response(request)
    finally:
        logger.disabled = was_disabled


def judge(address: Address) -> Step[None]:
    """Ask without a session: 401 with a JSON body is the one right answer."""
    response = ask(address, "GET", {})
    status = response.status_code
    if status == 401 and "json" in response.get("Content-Type", ""):
        title = "Our endpoint answers 401 and JSON to somebody who is not signed in."
        yield Finding("ok", "endpoint", title)
        return
    title = f"Our endpoint answers {status} to somebody who is not signed in, and not 401."
    where = f" to {quoted(response['Location'])}" if "Location" in response else ""
    cause = f"Django's handler answers {status}{where}: a middleware answers before our view does."
    cure = "Let that middleware pass the endpoint's path; the SDK cannot use a redirect or HTML."
    yield Finding("fault", "endpoint", title, cause, cure)


def judge_caches(uri: str, timeout: float) -> Step[None]:
    """Fetch the Identity Provider URI twice, without a cookie and a token."""
    url = f"{uri}{'&' if '?' in uri else '?'}response=json"
    try:
        fetch(url, timeout)
        answer = fetch(url, timeout)
    except Problem as problem:
        why = f"{problem.finding.cause} Browsers may reach it where this machine does not."
        yield skipped("cache", "what is between browsers and our endpoint", why)
        return
    level, title, cause = _kept(answer)
    cure = "Let the proxy or CDN pass this path on without caching and with our headers unchanged."
    yield Finding(level, "cache", title, cause, cure if cause else "")


def _kept(answer: Answer) -> tuple[Level, str, str]:
    """Return level, title and cause for the second of two answers to the same question."""
    age, location = answer.header("Age"), answer.header("Location")
    hit = next((name for name in CACHE_HEADERS if "HIT" in answer.header(name).upper()), "")
    title = "A cache answers in place of our endpoint."
    if hit:
        cause = f"{hit}: {quoted(answer.header(hit))} says that the answer came from a cache."
        return "fault", title, cause
    if age.strip("0"):
        return "fault", title, f"The answer is {quoted(age)} s old."
    if answer.status != 401:
        title = "Something else than our endpoint answers at the Identity Provider URI."
        where = f" It redirects to {quoted(location)}." if location else ""
        cause = f"The status is {answer.status} for somebody who is not signed in.{where}"
        return "fault", title, cause
    if "no-store" not in answer.header("Cache-Control").lower():
        cause = "Cache-Control lacks no-store: something between here and Django rewrites it."
        return "fault", "Our answers may be cached on their way.", cause
    if age:
        cause = "A cache is in front of our endpoint; it does not seem to have kept the answer."
        return "warning", "Our answer has an Age header.", cause
    return "ok", "Nothing seems to keep the answers of our endpoint.", ""
