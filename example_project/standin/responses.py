"""The stand-in's answers: pages, JSON, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from example_project.standin.cors import frame_ancestors
from example_project.standin.directory import Account
from example_project.standin.refusals import Refused, likely_cause
from example_project.standin.state import instance

COOKIE = "metabase.SESSION"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'self'; "
)


def html(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    status: int = 200,
    frames: bool = True,
) -> HttpResponse:
    """Return a page, which the embedding origins may show in a frame unless `frames` is off."""
    response = render(request, f"standin/{template}", {**context}, status=status)
    ancestors = frame_ancestors() if frames else "frame-ancestors 'none'"
    for name, value in HEADERS.items():
        response[name] = value
    response["Content-Security-Policy"] = POLICY + ancestors
    return response


def json(data: Any, *, status: int = 200) -> JsonResponse:
    """Return JSON that nobody keeps."""
    return JsonResponse(data, status=status, safe=False, headers=HEADERS)


def refusal(request: HttpRequest, refused: Refused, *, as_json: bool) -> HttpResponse:
    """Return Metabase's error text with its status, and on a page the likely cause below it."""
    instance.refusals.append(refused.text)
    if as_json:
        return json({"status": refused.kind, "message": refused.text}, status=refused.status)
    context = {"text": refused.text, "status": refused.status, "cause": likely_cause(refused.text)}
    return html(request, "refused.html", context, status=refused.status)


def session_of(request: HttpRequest) -> str | None:
    """Return the session id of a request: the header wins (metabase/metabase#81165)."""
    return request.headers.get("X-Metabase-Session") or request.COOKIES.get(COOKIE)


def account_of(request: HttpRequest) -> Account | None:
    """Return who asks: the account of an API key, or the one that is signed in."""
    key = request.headers.get("X-API-Key")
    return instance.account_of(session_of(request)) if key is None else instance.api_keys.get(key)


def unauthenticated() -> HttpResponse:
    """Return what nobody gets."""
    return HttpResponse("Unauthenticated", status=401, content_type="text/plain")


def missing(text: str = "Not found.") -> HttpResponse:
    """Return what is not there."""
    return HttpResponse(text, status=404, content_type="text/plain")
