"""The sign-in flows: the Agent API, which neither provisions nor synchronizes."""

from __future__ import annotations

import pytest
from django.test import Client

from example_project.standin.state import Instance
from tests.helpers.standin import MISSING, configure, signed_in, token


def error(client: Client, authorization: str | None = None) -> str | None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = client.get("/api/agent/v1/ping", headers=headers)
    assert answer.status_code in {200, 401}
    found: str | None = answer.json().get("error")
    return found


def test_an_account(client: Client, standin: Instance) -> None:
    ada = signed_in(standin)
    assert error(client, f"Bearer {token(groups=['Sales'])}") is None
    assert ada.groups == {"All Users"}
    standin.deactivate(ada)
    assert error(client, f"Bearer {token()}") == "invalid_jwt"
    assert not ada.is_active


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "missing_authorization"),
        ("Basic x", "invalid_authorization_format"),
        ("Bearer", "invalid_authorization_format"),
        ("Bearer x", "invalid_jwt"),
        (f"Bearer {token(iat=1)}", "invalid_jwt"),
        (f"Bearer {token(email=MISSING, iat=MISSING, exp=MISSING)}", "invalid_jwt"),
        (f"Bearer {token(iat=MISSING, exp=MISSING)}", "invalid_jwt"),  # there is no account
    ],
)
def test_refused(client: Client, standin: Instance, authorization: str | None, code: str) -> None:
    assert error(client, authorization) == code
    assert len(standin.accounts) == 1


def test_jwt_is_off(client: Client, standin: Instance) -> None:
    configure(standin, jwt_enabled=False)
    assert error(client, "Bearer x") == "jwt_not_configured"
