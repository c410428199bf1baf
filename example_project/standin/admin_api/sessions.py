"""`/api/ee/session-management` lists and ends sessions, in Metabase 65 and newer."""

from __future__ import annotations

from datetime import datetime, timezone

from django.http import HttpRequest, HttpResponse

from example_project.standin import responses
from example_project.standin.admin_api.access import BadRequest, administrators, body_of
from example_project.standin.state import instance


@administrators("GET", since=lambda version: version.has_session_management, is_paid=True)
def listed(request: HttpRequest) -> HttpResponse:
    """Answer `GET /api/ee/session-management`."""
    data = [
        {
            "id": session.number,
            "user_id": session.account.id,
            "provider": "jwt" if session.how else "password",
            "created_at": datetime.fromtimestamp(session.started, timezone.utc).isoformat(),
        }
        for session in instance.sessions.values()
    ]
    return responses.json({"data": data, "total": len(data)})


@administrators("POST", since=lambda version: version.has_session_management, is_paid=True)
def revoke(request: HttpRequest) -> HttpResponse:
    """Answer `POST /api/ee/session-management/revoke`: end all sessions of an account.

    Without `user-id`, it ends the sessions of all accounts.
    """
    body = body_of(request, ["user-id"])
    account = None
    if "user-id" in body:
        number = body["user-id"]
        account = instance.accounts.by_id(number) if type(number) is int else None
        if account is None:
            raise BadRequest("user-id is not the id of a user.")
    ended = instance.end_sessions(account)
    ids = sorted({session.account.id for session in ended})
    return responses.json(
        {"revoked": len(ended), "remaining": len(instance.sessions), "user_ids": ids}
    )
