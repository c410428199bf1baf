"""The pages that users see, at any path that does not belong to the API or the sign-in."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from example_project.standin import responses
from example_project.standin.chart import chart_for
from example_project.standin.logs import hide_tokens
from example_project.standin.redirects import landing, to_identity_provider
from example_project.standin.refusals import Refused
from example_project.standin.sso import check_enabled
from example_project.standin.state import instance

KINDS = {"dashboard": "Dashboard", "question": "Question"}


@require_safe
def page(request: HttpRequest, path: str) -> HttpResponse:
    """Show a dashboard and the account, or redirect to the Identity Provider without a session."""
    account = responses.account_of(request)
    if account is None:
        try:
            check_enabled()
        except Refused as refused:
            if responses.is_for_a_person(request):
                return responses.help_page(request, refused)
            return responses.refusal(request, refused)
        return to_identity_provider(landing(request))
    attributes = instance.attributes_of(account)
    context = {
        "account": account,
        "attributes": sorted(attributes.items()),
        "own": {**account.jwt_attributes, **account.typed},
        "groups": sorted(account.groups),
        "tenant": instance.tenants.get(account.tenant or ""),
        "title": _title(path),
        "landing": hide_tokens(landing(request)),
        "region": attributes.get("region"),
        "chart": chart_for(attributes.get("region")),
        "report": account.last_sign_in,
    }
    return responses.html(request, "dashboard.html", context)


@require_safe
def nothing(request: HttpRequest, path: str = "") -> HttpResponse:
    """Answer 404 for files of Metabase that the stand-in does not have."""
    return HttpResponse(status=404)


def _title(path: str) -> str:
    """Return a heading for a path such as `dashboard/7-sales`."""
    match = re.match(r"(dashboard|question)/(\d+)", path)
    return f"{KINDS[match[1]]} {match[2]}: Sales by region" if match else "Sales by region"
