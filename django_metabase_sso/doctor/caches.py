"""Does something between a browser and our endpoint keep the answers?"""

from __future__ import annotations

from django_metabase_sso.doctor import remote
from django_metabase_sso.doctor.findings import Finding, Problem, Step, skipped
from django_metabase_sso.doctor.remote import Answer, quoted

# Set to HIT by caches: CloudFront and Fastly, nginx, Cloudflare and others.
MARKS = ("X-Cache", "X-Cache-Status", "X-Proxy-Cache", "CF-Cache-Status")
CURE = "Let the proxy or CDN pass this path on without caching and with our headers unchanged."


def judge(uri: str, timeout: float) -> Step[None]:
    """Fetch the Identity Provider URI twice, without a cookie and a token."""
    url = f"{uri}{'&' if '?' in uri else '?'}response=json"
    try:
        remote.fetch(url, timeout)
        answer = remote.fetch(url, timeout)
    except Problem as problem:
        why = f"{problem.finding.cause} Browsers may reach it where this machine does not."
        return Step([skipped("cache", "what is between browsers and our endpoint", why)])
    title, cause = _problem(answer)
    if title:
        return Step([Finding("fault", "cache", title, cause, CURE)])
    if answer.header("Age"):
        title = "Our answer has an Age header."
        cause = "A cache is in front of our endpoint; it does not seem to have kept the answer."
        return Step([Finding("warning", "cache", title, cause, CURE)])
    return Step([Finding("ok", "cache", "Nothing seems to keep the answers of our endpoint.")])


def _problem(answer: Answer) -> tuple[str, str]:
    hit = next((mark for mark in MARKS if "HIT" in answer.header(mark).upper()), "")
    if hit:
        cause = f"{hit}: {quoted(answer.header(hit))} says that the answer came from a cache."
        return "A cache answers in place of our endpoint.", cause
    age = answer.header("Age")
    if age and age.strip("0"):
        return "A cache answers in place of our endpoint.", f"The answer is {quoted(age)} s old."
    if answer.status != 401:
        cause = f"The status is {answer.status} for somebody who is not signed in."
        where = answer.header("Location")
        return (
            "Something else than our endpoint answers at the Identity Provider URI.",
            f"{cause} It redirects to {quoted(where)}." if where else cause,
        )
    if "no-store" not in answer.header("Cache-Control").lower():
        cause = "Cache-Control lacks no-store: something between here and Django rewrites it."
        return "Our answers may be cached on their way.", cause
    return "", ""
