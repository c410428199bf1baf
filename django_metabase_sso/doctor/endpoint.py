"""Does our own endpoint answer as front ends need it, and let pages of an origin read it?"""

from __future__ import annotations

from django.http.response import HttpResponseBase

from django_metabase_sso.conf import conf
from django_metabase_sso.doctor.cors import names
from django_metabase_sso.doctor.findings import Finding, Level, Step
from django_metabase_sso.doctor.handler import Address, ask
from django_metabase_sso.doctor.remote import quoted

MIDDLEWARE = (
    "Begin MIDDLEWARE with django_metabase_sso.middleware.SSOCorsMiddleware and"
    " corsheaders.middleware.CorsMiddleware, in this order."
)


def answers(address: Address) -> Step[None]:
    """Ask without a session: 401 with a JSON body is the one right answer."""
    response = ask(address, "GET")
    if response.status_code == 401 and "json" in response.get("Content-Type", ""):
        title = "Our endpoint answers 401 and JSON to somebody who is not signed in."
        return Step([Finding("ok", "endpoint", title)])
    status = response.status_code
    title = f"Our endpoint answers {status} to somebody who is not signed in, and not 401."
    where = f" to {quoted(response['Location'])}" if "Location" in response else ""
    cause = f"Django's handler answers {status}{where}: a middleware answers before our view does."
    cure = "Let that middleware pass the endpoint's path; the SDK cannot use a redirect or HTML."
    return Step([Finding("fault", "endpoint", title, cause, cure)])


def judge_cors(address: Address, origin: str) -> Step[None]:
    """Ask as the browser of a page of `origin` would: with a request, and with a preflight."""
    if origin == address.origin:
        return Step([Finding("ok", "our-cors", f"{origin} is this site's own origin.")])
    response = ask(address, "GET", origin=origin)
    if response.status_code == 403:
        title = f"We do not let pages of {origin} read a token."
        cause = "It is not in METABASE_SSO['ALLOWED_ORIGINS']."
        return Step([Finding("fault", "our-cors", title, cause, _allow(origin))])
    if not _lets_in(response, origin):
        return Step([_closed(origin, "a request")])
    return Step([_judged_preflight(address, origin)])


def _judged_preflight(address: Address, origin: str) -> Finding:
    """Judge what a header needs first. A fetch with cookies alone needs no preflight."""
    response = ask(
        address,
        "OPTIONS",
        origin=origin,
        access_control_request_method="GET",
        access_control_request_headers="authorization",
    )
    if not _lets_in(response, origin):
        return _closed(origin, "a preflight (OPTIONS)")
    if response.status_code != 200:
        return _closed(origin, f"a preflight (OPTIONS), status {response.status_code},")
    if names(response.get("Access-Control-Allow-Headers", ""), "authorization"):
        return Finding("ok", "our-cors", f"We let pages of {origin} in (CORS).")
    level: Level = "fault" if conf.AUTHENTICATE else "warning"
    title = f"Pages of {origin} may not send us an Authorization header."
    cause = "CORS_ALLOW_HEADERS has no 'authorization'; session cookies work without it."
    cure = 'Add "authorization" to CORS_ALLOW_HEADERS.'
    return Finding(level, "our-cors", title, cause, cure)


def _allow(origin: str) -> str:
    return f'Add "{origin}" to METABASE_SSO["ALLOWED_ORIGINS"].'


def _closed(origin: str, asked: str) -> Finding:
    title = f"Pages of {origin} cannot read our answers."
    cause = f"Our answer to {asked} lacks the CORS headers for it: a middleware answers first."
    return Finding("fault", "our-cors", title, cause, f"{_allow(origin)} {MIDDLEWARE}")


def _lets_in(response: HttpResponseBase, origin: str) -> bool:
    return (
        response.get("Access-Control-Allow-Origin") == origin
        and response.get("Access-Control-Allow-Credentials") == "true"
    )
