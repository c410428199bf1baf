"""`/app/embed.js`, the frame in which its components are shown, and static embeds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from example_project.standin import responses
from example_project.standin.chart import Chart, chart_for, chart_of
from example_project.standin.embedding import Kind, open_embed
from example_project.standin.refusals import Refused
from example_project.standin.responses import HEADERS
from example_project.standin.state import instance

ASSETS = Path(__file__).parent / "assets"
# Any page may show components and static embeds in a frame: what they show needs a token.
FRAME_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline';"
    " img-src data:; base-uri 'none'; frame-ancestors *"
)


@require_GET
def script(request: HttpRequest, name: str) -> HttpResponse:
    """Serve `/app/embed.js`, or the script of a page."""
    text = (ASSETS / name).read_text().replace("__VERSION__", str(int(instance.version)))
    return HttpResponse(text, content_type="text/javascript; charset=utf-8", headers=HEADERS)


@require_GET
def frame(request: HttpRequest) -> HttpResponse:
    """Answer `/embed/sdk/v1`: an empty page, until the page around it says what to show."""
    response = responses.html(request, "frame.html", {})
    response["Content-Security-Policy"] = FRAME_POLICY
    return response


@require_GET
def static_embed(request: HttpRequest, kind: Kind, token: str) -> HttpResponse:
    """Answer `/embed/dashboard/<token>`: an older static embed."""
    try:
        view = open_embed(kind, token)
    except Refused as refused:
        response = responses.help_page(request, refused)
    else:
        context = {
            "title": view.item.title,
            "parameters": sorted(view.params.items()),
            "chart": chart_of(view.regions),
        }
        response = responses.html(request, "embed.html", context)
    response["Content-Security-Policy"] = FRAME_POLICY
    return response


@require_GET
def guest_item(request: HttpRequest, kind: Kind, token: str) -> HttpResponse:
    """Answer `/api/embed/dashboard/<token>`: the data of a guest embed."""
    try:
        view = open_embed(kind, token)
    except Refused as refused:
        return responses.guest_refusal(request, refused)
    data = {
        "title": view.item.title,
        "parameters": dict(view.params),
        "chart": _chart(chart_of(view.regions)),
    }
    return responses.json(data)


@require_GET
def account_item(request: HttpRequest) -> HttpResponse:
    """Answer `/api/standin/item`: the data of a component for the account that is signed in."""
    account = responses.account_of(request)
    if account is None:
        return responses.unauthenticated()
    attributes = instance.attributes_of(account)
    data = {
        "title": "Sales by region",
        "who": account.common_name,
        "email": account.email,
        "groups": sorted(account.groups),
        "attributes": attributes,
        "chart": _chart(chart_for(attributes.get("region"))),
    }
    return responses.json(data)


def _chart(chart: Chart) -> dict[str, Any]:
    return {**asdict(chart), "total": chart.total}
