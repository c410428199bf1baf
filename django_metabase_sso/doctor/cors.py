"""Does Metabase let pages of an origin read its answers?"""

from __future__ import annotations

from django_metabase_sso.doctor.discovery import PREFERRING
from django_metabase_sso.doctor.findings import Finding, Step
from django_metabase_sso.doctor.remote import SDK, Answer, Remote

SESSION_HEADER = "x-metabase-session"
FIELD = "Admin > Embedding > Modular embedding > Cross-Origin Resource Sharing (CORS)"


def judge(remote: Remote, origin: str) -> Step[None]:
    """Ask as the browser of a page of `origin` would: with a request, and with a preflight."""
    if origin == remote.instance.origin:
        return Step([Finding("ok", "metabase-cors", f"{origin} is Metabase's own origin.")])
    answer = remote.ask(
        "GET", PREFERRING, {"Origin": origin, "X-Metabase-Client": SDK}, may_redirect=True
    )
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": SESSION_HEADER,
    }
    preflight = remote.ask("OPTIONS", "/api/user/current", asked, may_redirect=True)
    problem = _problem(origin, answer, preflight)
    if problem:
        title = f"Metabase does not let pages of {origin} read its answers."
        cure = f"Add {origin} to {FIELD}; a proxy in front must pass OPTIONS and the headers on."
        return Step([Finding("fault", "metabase-cors", title, problem, cure)])
    return Step([Finding("ok", "metabase-cors", f"Metabase lets pages of {origin} in (CORS).")])


def allows(allowed: str, origin: str) -> bool:
    """Whether an Access-Control-Allow-Origin lets a request without credentials pass."""
    return allowed in {origin, "*"}


def names(listed: str, header: str) -> bool:
    """Whether an Access-Control-Allow-Headers names a header, or all of them."""
    return not {header, "*"}.isdisjoint(name.strip().lower() for name in listed.split(","))


def _problem(origin: str, answer: Answer, preflight: Answer) -> str:
    name = "Access-Control-Allow-Origin"
    if not allows(answer.header(name), origin):
        return f"The answer of /auth/sso has no {name} for it."
    if not allows(preflight.header(name), origin):
        return f"The answer to a preflight (OPTIONS) has no {name} for it."
    if not names(preflight.header("Access-Control-Allow-Headers"), SESSION_HEADER):
        return "The answer to a preflight (OPTIONS) does not allow X-Metabase-Session."
    if not 200 <= preflight.status < 300:
        return f"A preflight (OPTIONS) is answered with status {preflight.status}."
    return ""
