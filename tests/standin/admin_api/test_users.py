"""How a session ends, and what may act from outside: accounts."""

from __future__ import annotations

import time
from typing import Any

import pytest

from example_project.standin.directory import Account
from example_project.standin.state import Instance
from tests.helpers.standin import Administrator, SignIn, configure, post, signed_in


def make(admin: Administrator, **fields: Any) -> None:
    assert post(admin.client, "/standin/accounts", fields).status_code == 200


def emails(admin: Administrator, **query: Any) -> list[str]:
    return [account["email"] for account in admin.get("/user", **query).json()["data"]]


@pytest.fixture
def people(admin: Administrator, ada: Account) -> None:
    make(admin, email="bob@example.com", first_name="Bob", last_name="Ada")
    make(admin, email="ada@example.com.evil.example", last_name="Zuse")
    make(admin, email="gone@example.com", last_name="Byron", is_active=False)
    make(admin, email="tina@example.com", last_name="Turing", tenant="acme")


@pytest.mark.usefixtures("people")
def test_the_list_leaves_out(admin: Administrator) -> None:
    """The deactivated, and tenant users; what is left is in the order of names."""
    everybody = {"status": "all", "tenancy": "all"}
    assert emails(admin) == [
        "bob@example.com",
        "admin@metabase.example",
        "ada@example.com",
        "ada@example.com.evil.example",
    ]
    assert "gone@example.com" in emails(admin, status="all")
    assert emails(admin, status="deactivated") == ["gone@example.com"]
    assert emails(admin, tenancy="external") == ["tina@example.com"]
    assert len(emails(admin, **everybody)) == 6
    assert emails(admin, query="tina@example.com", status="all") == []
    assert emails(admin, query="tina@example.com", **everybody) == ["tina@example.com"]


@pytest.mark.usefixtures("people")
def test_a_query_is_a_part_of_addresses_and_names(admin: Administrator) -> None:
    assert emails(admin, query="ADA@example.com") == [
        "ada@example.com",
        "ada@example.com.evil.example",
    ]
    assert emails(admin, query="ada")[0] == "bob@example.com"


@pytest.mark.usefixtures("people")
def test_pages(admin: Administrator) -> None:
    answer = admin.get("/user", limit=2, offset=1).json()
    assert answer["total"] == 4
    assert (answer["limit"], answer["offset"]) == (2, 1)
    assert [a["email"] for a in answer["data"]] == emails(admin)[1:3]
    assert emails(admin, offset=99) == []
    assert admin.get("/user", limit="x").status_code == 400


def test_a_page_is_of_now(admin: Administrator, standin: Instance, ada: Account) -> None:
    """What is remembered of a search is forgotten when somebody changes."""
    assert "ada@example.com" in emails(admin)
    admin.delete("/user/2")
    assert "ada@example.com" not in emails(admin)
    signed_in(standin, email="new@example.com")
    assert "new@example.com" in emails(admin)


def test_one(admin: Administrator, ada: Account, standin: Instance) -> None:
    signed_in(standin, region="north", groups=["Sales"])
    user = admin.get("/user/2").json()
    assert (user["email"], user["sso_source"]) == ("ada@example.com", "jwt")
    assert user["jwt_attributes"] == {"region": "north"}
    assert user["login_attributes"] == {}
    names = {group["id"]: group["name"] for group in admin.get("/permissions/group").json()}
    assert [names[number] for number in user["group_ids"]] == ["All Users", "Sales"]
    assert admin.get("/user/99").status_code == 404


def test_members_are_counted(admin: Administrator, ada: Account) -> None:
    groups = {
        group["name"]: group["member_count"] for group in admin.get("/permissions/group").json()
    }
    assert (groups["All Users"], groups["Administrators"], groups["Sales"]) == (2, 1, 0)


@pytest.mark.parametrize(
    ("version", "is_alive"), [(56, True), (58, True), (60, True), (63, True), (65, False)]
)
def test_deactivation(
    admin: Administrator, ada: Account, standin: Instance, version: int, is_alive: bool
) -> None:
    """Until August 2026 old sessions came alive again, by reactivation and by a token."""
    configure(standin, version=version)
    session = standin.start_session(ada)
    assert admin.delete("/user/2").status_code == 200
    assert standin.account_of(session) is None
    assert admin.put("/user/2/reactivate").json()["is_active"] is True
    assert (standin.account_of(session) is ada) is is_alive
    assert admin.put("/user/2/reactivate").status_code == 400
    admin.delete("/user/2")
    admin.delete("/user/2")
    signed_in(standin)
    assert ada.is_active
    assert (standin.account_of(session) is ada) is is_alive


def test_typed_attributes_win_and_stay(
    admin: Administrator, standin: Instance, ada: Account
) -> None:
    answer = admin.put("/user/2", {"login_attributes": {"region": "south", "level": 3}})
    assert answer.json()["login_attributes"] == {"region": "south", "level": "3"}
    signed_in(standin, region="north", plan="gold")
    assert standin.attributes_of(ada) == {"region": "south", "level": "3", "plan": "gold"}
    signed_in(standin)
    assert standin.attributes_of(ada) == {"region": "south", "level": "3"}
    admin.put("/user/2", {"login_attributes": None})
    assert standin.attributes_of(ada) == {}


def test_names(admin: Administrator, ada: Account) -> None:
    admin.put("/user/2", {"first_name": "Augusta", "email": "new@example.com"})
    assert (ada.first_name, ada.last_name, ada.email) == ("Augusta", "Lovelace", "ada@example.com")


def test_an_administrator_moves_somebody(admin: Administrator, ada: Account) -> None:
    assert admin.put("/user/2", {"tenant_id": 1}).json()["tenant_id"] == 1
    assert (ada.tenant, ada.groups) == ("acme", {"All tenant users"})
    admin.put("/user/2", {"tenant_id": None})
    assert (ada.tenant, ada.groups) == (None, {"All Users"})


@pytest.mark.parametrize("body", [{"tenant_id": 99}, {"login_attributes": ["x"]}])
def test_what_is_not_accepted(
    admin: Administrator, standin: Instance, ada: Account, body: dict[str, Any]
) -> None:
    before = repr(standin)
    assert admin.put("/user/2", body).status_code == 400
    assert repr(standin) == before


def test_a_change_of_somebody_who_is_signed_in(browse: SignIn, admin: Administrator) -> None:
    client = browse()
    admin.delete("/user/2")
    assert client.get("/api/user/current").status_code == 401


def test_many_accounts(admin: Administrator, standin: Instance) -> None:
    """Made, and gone through in pages, in time that grows with their number."""
    started = time.process_time()
    make(admin, count=10_000, email="p{}@example.com", first_name="P{}", last_name="Q{}")
    found: list[str] = []
    while page := emails(admin, limit=100, offset=len(found)):
        found += page
    assert len(found) == len(set(found)) == 10_001
    assert emails(admin, query="p4711@example.com") == ["p4711@example.com"]
    assert time.process_time() - started < 10
