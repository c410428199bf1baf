"""May pages of an origin read the answers: Metabase's, and ours?"""

from __future__ import annotations

from django.http.response import HttpResponseBase

from django_metabase_sso.conf import conf
from django_metabase_sso.doctor.answers import Answer
from django_metabase_sso.doctor.discovery import PREFERRING
from django_metabase_sso.doctor.endpoint import Address, ask
from django_metabase_sso.doctor.findings import Finding, Level, Step
from django_metabase_sso.doctor.network import SDK, Remote

SESSION_HEADER = "x-metabase-session"
FIELD = "Admin > Embedding > Modular embedding > Cross-Origin Resource Sharing (CORS)"
MIDDLEWARE = (
    "Begin MIDDLEWARE with django_metabase_sso.middleware.SSOCorsMiddleware and"
    " corsheaders.middleware.CorsMiddleware, in this order."
)


def judge_metabase(remote: Remote, origin: str) -> Step[None]:
    """Ask as the browser of a page of `origin` would: with a request, and with a preflight."""
    if origin == remote.instance.origin:
        yield Finding("ok", "metabase-cors", f"{origin} is Metabase's own origin.")
        return
    headers = {"Origin": origin, "X-Metabase-Client": SDK}
    answer = remote.ask("GET", PREFERRING, headers, may_redirect=True)
    headers = _preflight(origin, SESSION_HEADER)
    preflight = remote.ask("OPTIONS", "/api/user/current", headers, may_redirect=True)
    problem = _metabase_problem(origin, answer, preflight)
    if problem:
        title = f"Metabase does not let pages of {origin} read its answers."
        cure = f"Add {origin} to {FIELD}; a proxy in front must pass OPTIONS and the headers on."
        yield Finding("fault", "metabase-cors", title, problem, cure)
    else:
        yield Finding("ok", "metabase-cors", f"Metabase lets pages of {origin} in (CORS).")


def judge_ours(address: Address, origin: str) -> Step[None]:
    """Ask ourselves the same: a request, and what a header of the page's own needs first.

    A fetch with cookies alone needs no preflight.
    """
    if origin == address.origin:
        yield Finding("ok", "our-cors", f"{origin} is this site's own origin.")
        return
    answer = ask(address, "GET", {"Origin": origin})
    if answer.status_code == 403:
        title = f"We do not let pages of {origin} read a token."
        cause = "It is not in METABASE_SSO['ALLOWED_ORIGINS']."
        yield Finding("fault", "our-cors", title, cause, _allow(origin))
        return
    preflight = ask(address, "OPTIONS", _preflight(origin, "authorization"))
    closed = _closed(origin, answer, preflight)
    if closed:
        title = f"Pages of {origin} cannot read our answers."
        cause = (
            f"Our answer to {closed} lacks the CORS headers for it: a middleware answers first."
        )
        yield Finding("fault", "our-cors", title, cause, f"{_allow(origin)} {MIDDLEWARE}")
    elif _names(preflight.get("Access-Control-Allow-Headers", ""), "authorization"):
        yield Finding("ok", "our-cors", f"We let pages of {origin} in (CORS).")
    else:
        level: Level = "fault" if conf.AUTHENTICATE else "warning"
        title = f"Pages of {origin} may not send us an Authorization header."
        cause = "CORS_ALLOW_HEADERS has no 'authorization'; session cookies work without it."
        cure = 'Add "authorization" to CORS_ALLOW_HEADERS.'
        yield Finding(level, "our-cors", title, cause, cure)


def _preflight(origin: str, header: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": header,
    }


def _names(listed: str, header: str) -> bool:
    """Whether an Access-Control-Allow-Headers names a header, or all of them."""
    return not {header, "*"}.isdisjoint(name.strip().lower() for name in listed.split(","))


def _metabase_problem(origin: str, answer: Answer, preflight: Answer) -> str:
    """Return why a request without cookies does not pass."""
    name = "Access-Control-Allow-Origin"
    if answer.header(name) not in {origin, "*"}:
        return f"The answer of /auth/sso has no {name} for it."
    if preflight.header(name) not in {origin, "*"}:
        return f"The answer to a preflight (OPTIONS) has no {name} for it."
    if not _names(preflight.header("Access-Control-Allow-Headers"), SESSION_HEADER):
        return "The answer to a preflight (OPTIONS) does not allow X-Metabase-Session."
    if not 200 <= preflight.status < 300:
        return f"A preflight (OPTIONS) is answered with status {preflight.status}."
    return ""


def _closed(origin: str, answer: HttpResponseBase, preflight: HttpResponseBase) -> str:
    """Return which of our answers does not let a request with cookies pass."""
    if not _lets_in(answer, origin):
        return "a request"
    if not _lets_in(preflight, origin):
        return "a preflight (OPTIONS)"
    if preflight.status_code != 200:
        return f"a preflight (OPTIONS), status {preflight.status_code},"
    return ""


def _allow(origin: str) -> str:
    return f'Add "{origin}" to METABASE_SSO["ALLOWED_ORIGINS"].'


def _lets_in(answer: HttpResponseBase, origin: str) -> bool:
    return (
        answer.get("Access-Control-Allow-Origin") == origin
        and answer.get("Access-Control-Allow-Credentials") == "true"
    )
