"""How a session ends: session management, in Metabase 65."""

from __future__ import annotations

from typing import Any

import pytest

from example_project.standin.directory import Account
from example_project.standin.state import ADMIN_EMAIL, Instance
from tests.helpers.standin import Administrator, configure

REVOKE = "/ee/session-management/revoke"


@pytest.fixture
def sessions(standin: Instance, ada: Account) -> list[str]:
    """Two sessions of Ada's, and one of the administrator."""
    admin = standin.accounts.get(ADMIN_EMAIL)
    assert admin
    return [
        standin.start_session(ada, "POST"),
        standin.start_session(ada, "GET"),
        standin.start_session(admin),
    ]


def test_a_persons_sessions(admin: Administrator, standin: Instance, sessions: list[str]) -> None:
    answer = admin.post(REVOKE, {"user-id": 2})
    assert answer.json() == {"revoked": 2, "remaining": 1, "user_ids": [2]}
    assert [standin.account_of(session) is not None for session in sessions] == [
        False,
        False,
        True,
    ]


@pytest.mark.usefixtures("sessions")
def test_an_empty_body_ends_everybodys(admin: Administrator, standin: Instance) -> None:
    empty = admin.client.post(f"/api{REVOKE}", b"", content_type="application/json")
    assert empty.json()["user_ids"] == [1, 2]
    assert not standin.sessions


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize("number", [99, "2", None, True])
def test_nobodys_id(admin: Administrator, standin: Instance, number: Any) -> None:
    assert admin.post(REVOKE, {"user-id": number}).status_code == 400
    assert len(standin.sessions) == 3


@pytest.mark.usefixtures("sessions")
def test_the_list(admin: Administrator, standin: Instance) -> None:
    answer = admin.get("/ee/session-management").json()
    assert answer["total"] == 3
    entries = [(entry["user_id"], entry["provider"]) for entry in answer["data"]]
    assert entries == [(2, "jwt"), (2, "jwt"), (1, "password")]
    text = admin.get("/ee/session-management").content.decode()
    assert not [session for session in standin.sessions if session in text]


def test_the_age_of_a_session(standin: Instance, sessions: list[str]) -> None:
    """14 days after it was made, or after MAX_SESSION_AGE minutes of the environment."""
    days = 86_400
    configure(standin, clock_skew=14 * days - 60)
    assert standin.account_of(sessions[0])
    configure(standin, clock_skew=14 * days + 60)
    assert standin.account_of(sessions[0]) is None
    configure(standin, clock_skew=120, environment={"MAX_SESSION_AGE": "3"})
    assert standin.account_of(sessions[0])
    configure(standin, environment={"MAX_SESSION_AGE": "1"})
    assert standin.account_of(sessions[0]) is None


def test_what_ends_no_session(standin: Instance, sessions: list[str]) -> None:
    configure(standin, jwt_shared_secret="another secret", jwt_enabled=False)
    assert standin.account_of(sessions[0])
