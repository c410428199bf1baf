"""Canned answers of several versions of Metabase."""

from __future__ import annotations

from collections.abc import Callable

from tests.helpers.reports import Report
from tests.servers.canned import Answers, Canned

PROPERTIES = "GET /api/session/properties"


VERSION = Canned(body={"version": {"tag": "v1.56.3"}})


# The answers to a token with and without an e-mail address, in one
SESSION = Canned(body={"session_token": "s", "message": "JWT token missing email claim"})


Answered = Callable[..., tuple[Report, list[str]]]


def old_metabase(url: str) -> Answers:
    return {
        PROPERTIES: VERSION,
        "GET /auth/sso": Canned(302, headers={"Location": url}),
        "POST /auth/sso/to_session": Canned(404, "API endpoint does not exist."),
    }


def tagged(version: int, **properties: object) -> Canned:
    return Canned(body={"version": {"tag": f"v1.{version}.2"}, **properties})
