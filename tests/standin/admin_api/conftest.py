from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from example_project.standin.directory import Account
from example_project.standin.state import Instance
from tests.standin.conftest import KEY


class Administrator:
    """Asks with the key of an administrator."""

    def __init__(self, key: str = KEY) -> None:
        self.client = Client(headers={"X-API-Key": key})

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api{path}", query)

    def put(self, path: str, body: Any = None) -> Any:
        return self.client.put(f"/api{path}", json.dumps(body), content_type="application/json")

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(f"/api{path}", json.dumps(body), content_type="application/json")

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/api{path}")


@pytest.fixture
def admin() -> Administrator:
    return Administrator()


@pytest.fixture
def ada(standin: Instance) -> Account:
    """Ada, who signs in with tokens."""
    account = Account(2, "ada@example.com", "Ada", "Lovelace", sso_source="jwt")
    standin.accounts.add(account)
    return account
