"""The stand-in's responses (pages, JSON, refusals), and the account that sends a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from example_project.standin.cors import frame_ancestors
from example_project.standin.directory import Account
from example_project.standin.refusals import Invalid, Refused, likely_cause
from example_project.standin.state import instance
from example_project.standin.texts import in_language

COOKIE = "metabase.SESSION"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'self'; "
)
HIDDEN = "Something went wrong"


def html(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    status: int = 200,
    frames: bool = True,
) -> HttpResponse:
    """Return a page. The origins for full-app embedding may frame it, unless `frames` is False."""
    response = render(request, f"standin/{template}", {**context}, status=status)
    ancestors = frame_ancestors() if frames else "frame-ancestors 'none'"
    for name, value in HEADERS.items():
        response[name] = value
    response["Content-Security-Policy"] = POLICY + ancestors
    return response


def json(data: Any, *, status: int = 200) -> JsonResponse:
    """Return JSON that must not be cached."""
    return JsonResponse(data, status=status, safe=False, headers=HEADERS)


def bare(text: str, status: int) -> HttpResponse:
    """Return a string as Metabase does: not JSON, and without a Content-Type."""
    response = HttpResponse(text, status=status, headers={"Cache-Control": "no-store"})
    del response["Content-Type"]
    return response


def refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Return a refusal in the same form as Metabase.

    The body of a 401 is only the message. Other statuses have JSON, but in the newest version some
    of them also have only the message. With MB_HIDE_STACKTRACES, the JSON is one general message.
    """
    instance.refusals.append(refused.text)
    text = in_words(request, refused)
    is_bare = refused.status == 401 or (
        instance.version.refuses_in_plain_text
        and (refused.is_about_tenants or refused.template == "Invalid redirect URL")
    )
    if is_bare:
        return bare(text, refused.status)
    if instance.hides_stack_traces:
        return json({"message": HIDDEN}, status=refused.status)
    if isinstance(refused, Invalid):
        return json({"errors": refused.errors}, status=refused.status)
    kind = {"status": refused.kind} if refused.kind else {}
    said = {"type": "clojure.lang.ExceptionInfo", "message": text}
    trace = [["standin.refusals", "refusal", "refusals.py", 1]]
    return json(
        {"message": text, "cause": text, "via": [said], "trace": trace, **kind},
        status=refused.status,
    )


def guest_refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Return the refusal of a guest token, whose body is only the message."""
    instance.refusals.append(refused.text)
    return bare(in_words(request, refused), refused.status)


def error_page(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Return a refusal of `POST /auth/sso`, which is an HTML page."""
    instance.refusals.append(refused.text)
    context = {"text": in_words(request, refused)}
    return html(request, "post_error.html", context, status=refused.status)


def help_page(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Return a refusal as a page with the likely cause, which Metabase itself does not have."""
    instance.refusals.append(refused.text)
    context = {
        "text": in_words(request, refused),
        "status": refused.status,
        "cause": likely_cause(refused.text),
    }
    return html(request, "refused.html", context, status=refused.status)


def is_for_a_person(request: HttpRequest) -> bool:
    """Return whether a browser loads this as a page, in a window or in a frame."""
    return request.headers.get("Sec-Fetch-Mode") == "navigate"


def in_words(request: HttpRequest, refused: Refused) -> str:
    """Return the message of a refusal in the language of the request or of the site."""
    site = instance.configuration["site-locale"]
    asked = request.headers.get("X-Metabase-Locale")
    return in_language(refused.template, site, asked).replace("{}", refused.part)


def session_of(request: HttpRequest) -> str | None:
    """Return the session id in the header or cookie; the version decides which has priority."""
    header, cookie = request.headers.get("X-Metabase-Session"), request.COOKIES.get(COOKIE)
    return header or cookie if instance.version.lets_header_win else cookie or header


def account_of(request: HttpRequest) -> Account | None:
    """Return the account of the API key or of the session, or None."""
    key = request.headers.get("X-API-Key")
    return instance.account_of(session_of(request)) if key is None else instance.api_keys.get(key)


def unauthenticated() -> HttpResponse:
    """Return the response to a request without an account."""
    return HttpResponse("Unauthenticated", status=401, content_type="text/plain")


def missing(text: str = "Not found.") -> HttpResponse:
    """Return the response for what does not exist."""
    return HttpResponse(text, status=404, content_type="text/plain")
