"""Who may use the administrator's API: keys, sessions, versions, plans."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from example_project.standin.state import ADMIN_EMAIL, Instance
from tests.helpers.standin import OTHER_KEY, Administrator, SignIn, configure

PATHS = ["/setting", "/user", "/user/1", "/permissions/group", "/ee/session-management"]


@pytest.mark.parametrize("path", [*PATHS, "/ee/tenant"])
def test_keys(path: str, standin: Instance) -> None:
    assert Administrator().get(path).status_code == 200
    other = Administrator(OTHER_KEY).get(path)
    assert (other.status_code, other.content) == (403, b"You don't have permissions to do that.")
    unknown = Administrator("mb_unknown").get(path)
    assert (unknown.status_code, unknown.content) == (401, b"Unauthenticated")
    assert Client().get(f"/api{path}").status_code == 401


def test_sessions(browse: SignIn) -> None:
    assert browse().get("/api/setting").status_code == 403
    assert (
        browse(email=ADMIN_EMAIL, groups=["Administrators"]).get("/api/setting").status_code == 200
    )


def test_whose_key_it_is() -> None:
    user = Administrator().get("/user/current").json()
    assert user["is_superuser"] is True
    assert user["email"].endswith("@api-key.invalid")
    assert Administrator(OTHER_KEY).get("/user/current").json()["is_superuser"] is False
    assert Administrator("mb_unknown").get("/user/current").status_code == 401


@pytest.mark.parametrize(
    ("path", "since"), [("/ee/session-management", 65), ("/ee/tenant", 58), ("/ee/tenant/1", 58)]
)
def test_versions_without_it(
    admin: Administrator, standin: Instance, path: str, since: int
) -> None:
    for version in (56, 58, 60, 63, 65):
        configure(standin, version=version)
        assert admin.get(path).status_code == (200 if version >= since else 404)


def test_without_a_licence(admin: Administrator, standin: Instance) -> None:
    configure(standin, is_licensed=False)
    for answer in (
        admin.get("/ee/session-management"),
        admin.post("/ee/session-management/revoke", {"user-id": 1}),
        admin.get("/ee/tenant"),
    ):
        assert answer.status_code == 402
        assert answer.json()["status"] == "error-premium-feature-not-available"
    assert admin.get("/user").status_code == 200
    assert admin.get("/setting").status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"'])
def test_a_body_that_is_not_an_object(admin: Administrator, body: bytes) -> None:
    answer: Any = admin.client.put("/api/user/1", body, content_type="application/json")
    assert answer.status_code == 400


def test_other_methods(admin: Administrator) -> None:
    assert admin.post("/setting").status_code == 405
    assert admin.get("/user/1/reactivate").status_code == 405
