"""What may act from outside: tenants, whose attributes can be updated only here."""

from __future__ import annotations

from typing import Any

import pytest

from example_project.standin.state import Instance
from tests.helpers.standin import Administrator, configure, signed_in

ACME = {
    "id": 1,
    "slug": "acme",
    "name": "Acme",
    "is_active": True,
    "attributes": {},
    "member_count": 0,
}


@pytest.fixture(autouse=True)
def _tenants(standin: Instance) -> None:
    configure(standin, use_tenants=True)


def test_the_list(admin: Administrator, standin: Instance) -> None:
    assert admin.get("/ee/tenant").json()["data"][0] == ACME
    signed_in(standin, **{"@tenant": "acme"})
    assert admin.get("/ee/tenant/1").json() == {**ACME, "member_count": 1}
    assert admin.get("/ee/tenant/99").status_code == 404


def test_a_new_one(admin: Administrator, standin: Instance) -> None:
    body = {"name": "New", "slug": "new-1", "attributes": {"plan": "gold", "seats": 5}}
    made = admin.post("/ee/tenant", body).json()
    assert (made["id"], made["attributes"]) == (3, {"plan": "gold", "seats": "5"})
    assert standin.tenants["new-1"].name == "New"
    again = admin.post("/ee/tenant", {"name": "Another", "slug": "new-1"})
    assert (again.status_code, again.json()["message"]) == (
        400,
        "This tenant name or slug is already taken.",
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        {"name": "x", "slug": "X"},
        {"name": "x", "slug": ""},
        {"name": 1, "slug": "x"},
        {"name": "x", "slug": "acme"},
        {"name": "Acme", "slug": "x"},
        {"name": "x", "slug": "x", "attributes": []},
    ],
)
def test_one_that_cannot_be(admin: Administrator, standin: Instance, body: dict[str, Any]) -> None:
    before = repr(standin)
    if body.get("attributes") == []:
        body = {**body, "attributes": [1]}
    assert admin.post("/ee/tenant", body).status_code == 400
    assert repr(standin) == before


def test_a_change(admin: Administrator, standin: Instance) -> None:
    standin.tenants["acme"].attributes["plan"] = "gold"
    admin.put("/ee/tenant/1", {"attributes": {"plan": "basic"}, "name": "ACME Inc."})
    assert standin.tenants["acme"].attributes == {"plan": "basic"}
    assert standin.tenants["acme"].name == "ACME Inc."
    assert admin.put("/ee/tenant/1", {"is_active": "no"}).status_code == 400


def test_deactivation_takes_its_users_along(admin: Administrator, standin: Instance) -> None:
    ada = signed_in(standin, **{"@tenant": "acme"})
    bob = signed_in(standin, email="bob@example.com", **{"@tenant": "acme"})
    eve = signed_in(standin, email="eve@example.com", **{"@tenant": "globex"})
    standin.deactivate(bob)
    admin.put("/ee/tenant/1", {"is_active": False})
    assert [who.is_active for who in (ada, bob, eve)] == [False, False, True]
    admin.put("/ee/tenant/1", {"is_active": True})
    assert [who.is_active for who in (ada, bob, eve)] == [True, False, True]


def test_switching_tenants_off_deactivates_every_tenant_user(
    admin: Administrator, standin: Instance
) -> None:
    ada = signed_in(standin, **{"@tenant": "acme"})
    bob = signed_in(standin, email="bob@example.com")
    assert admin.put("/setting/use-tenants", {"value": False}).status_code == 204
    assert [who.is_active for who in (ada, bob)] == [False, True]
