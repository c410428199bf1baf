"""The paths of `/api/*` that the embedding SDK 0.55 and 0.56 calls."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from example_project.standin import responses
from example_project.standin.admin_api.users import person
from example_project.standin.state import instance


@require_GET
def health(request: HttpRequest) -> HttpResponse:
    """Answer `/api/health`."""
    return responses.json({"status": "ok"})


@require_GET
def current_user(request: HttpRequest) -> HttpResponse:
    """Answer `/api/user/current`: the account that is signed in."""
    account = responses.account_of(request)
    return responses.json(person(account)) if account else responses.unauthenticated()


@require_http_methods(["DELETE"])
def end_session(request: HttpRequest) -> HttpResponse:
    """Answer `DELETE /api/session`: end the session."""
    known = instance.sessions.pop(responses.session_of(request) or "", None)
    response = HttpResponse(status=404 if known is None else 204)
    response.delete_cookie(responses.COOKIE, samesite="Lax")
    return response


@require_GET
def properties(request: HttpRequest) -> HttpResponse:
    """Answer `/api/session/properties`. What it contains depends on who is signed in."""
    account = responses.account_of(request)
    return responses.json(
        {
            "version": {"tag": instance.version.tag},
            "available-locales": [["en", "English"], ["de", "German"]],
            "available-fonts": ["Lato"],
            "application-font": "Lato",
            "application-font-files": None,
            "application-name": "Metabase (stand-in)",
            "application-colors": {},
            "token-features": {
                "embedding_sdk": instance.is_licensed,
                "sso_jwt": instance.is_licensed,
            },
            **instance.configuration.public(
                is_signed_in=account is not None,
                is_administrator=account is not None and account.is_superuser,
            ),
        }
    )


@require_http_methods(["GET", "POST"])
def dashboards(request: HttpRequest) -> HttpResponse:
    """Answer `/api/dashboard` for `useCreateDashboardApi()`. The dashboard is not stored."""
    account = responses.account_of(request)
    if account is None:
        return responses.unauthenticated()
    if request.method == "GET":
        return responses.json([])
    try:
        name = json.loads(request.body)["name"]
    except (ValueError, LookupError, TypeError):
        errors = {"name": "value must be a non-blank string."}
        return responses.json({"errors": errors}, status=400)
    dashboard: dict[str, Any] = {
        "id": 1,
        "name": name,
        "description": None,
        "collection_id": None,
        "creator_id": account.id,
        "dashcards": [],
        "tabs": [],
        "parameters": [],
        "can_write": True,
        "archived": False,
    }
    return responses.json(dashboard)


def unknown(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer any other path of the API."""
    return responses.missing("API endpoint does not exist.")
