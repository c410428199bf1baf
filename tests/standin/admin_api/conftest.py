from __future__ import annotations

import pytest

from example_project.standin.directory import Account
from example_project.standin.state import Instance
from tests.helpers.standin import Administrator


@pytest.fixture
def admin() -> Administrator:
    return Administrator()


@pytest.fixture
def ada(standin: Instance) -> Account:
    """Ada, who signs in with tokens."""
    account = Account(2, "ada@example.com", "Ada", "Lovelace", sso_source="jwt")
    standin.accounts.add(account)
    return account
