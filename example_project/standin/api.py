"""`/api/*`: what the embedding SDK 0.55 and 0.56 calls at its start, and a dashboard to create."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from example_project.standin import responses
from example_project.standin.conf import conf
from example_project.standin.state import Account, instance


@require_GET
def health(request: HttpRequest) -> HttpResponse:
    """`/api/health`."""
    return responses.json({"status": "ok"})


@require_GET
def current_user(request: HttpRequest) -> HttpResponse:
    """`/api/user/current`."""
    account = responses.account_of(request)
    return responses.json(_person(account)) if account else _unauthenticated()


@require_http_methods(["DELETE"])
def end_session(request: HttpRequest) -> HttpResponse:
    """`DELETE /api/session`: sign out."""
    known = instance.sessions.pop(responses.session_of(request) or "", None)
    return HttpResponse(status=404 if known is None else 204)


@require_GET
def properties(request: HttpRequest) -> HttpResponse:
    """`/api/session/properties`: for anybody, as in Metabase."""
    return responses.json(
        {
            "version": {"tag": conf.version_tag},
            "site-url": conf.site_url,
            "site-locale": "en",
            "available-locales": [["en", "English"]],
            "available-fonts": ["Lato"],
            "application-font": "Lato",
            "application-font-files": None,
            "application-name": "Metabase (stand-in)",
            "application-colors": {},
            "enable-embedding-sdk": instance.configuration.sdk_enabled,
            "enable-embedding-simple": instance.configuration.simple_enabled,
            "token-features": {"embedding_sdk": True, "sso_jwt": True},
        }
    )


@require_http_methods(["GET", "POST"])
def dashboards(request: HttpRequest) -> HttpResponse:
    """`/api/dashboard`: an answer for `useCreateDashboardApi()`; nothing is kept, or listed."""
    account = responses.account_of(request)
    if account is None:
        return _unauthenticated()
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
    """Any other path of the API."""
    text = "API endpoint does not exist."
    return HttpResponse(text, status=404, content_type="text/plain")


def _unauthenticated() -> HttpResponse:
    return HttpResponse("Unauthenticated", status=401, content_type="text/plain")


def _person(account: Account) -> dict[str, Any]:
    """Return an account as the SDK sees it."""
    return {
        "id": account.id,
        "email": account.email,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "common_name": account.common_name,
        "is_superuser": account.is_superuser,
        "is_active": account.is_active,
        "sso_source": account.sso_source,
        "login_attributes": account.attributes,
        "tenant_id": account.tenant,
        "locale": None,
    }
