"""The Agent API, which accepts sign-in tokens but does not create or synchronize accounts."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from example_project.standin import responses
from example_project.standin.refusals import Refused
from example_project.standin.state import instance
from example_project.standin.tokens import verify


@require_GET
def ping(request: HttpRequest) -> HttpResponse:
    """Answer `/api/agent/v1/ping` with `Authorization: Bearer <token>`."""
    error = _error(request.headers.get("Authorization", ""))
    if error:
        return responses.json({"error": error, "message": error.replace("_", " ")}, status=401)
    return responses.json({"message": "pong"})


def _error(authorization: str) -> str:
    """Return Metabase's error code for an Authorization header, or "" if it is valid."""
    scheme, _, token = authorization.partition(" ")
    if not authorization:
        return "missing_authorization"
    if scheme.lower() != "bearer" or not token:
        return "invalid_authorization_format"
    if not instance.configuration["jwt-enabled"]:
        return "jwt_not_configured"
    try:
        claims = verify(token, instance.configuration["jwt-shared-secret"], instance.now())
    except Refused:
        return "invalid_jwt"
    email = claims.get(instance.configuration.claim_names["email"])
    account = instance.accounts.get(email.lower()) if isinstance(email, str) else None
    return "" if account and account.is_active else "invalid_jwt"
