"""What has to be set in Metabase, by its API."""

from __future__ import annotations

from typing import Any

import pytest

from example_project.standin.state import Instance
from tests.helpers.standin import PROVIDER, SECRET, Administrator, configure


def entry(admin: Administrator, key: str) -> dict[str, Any]:
    [found] = [entry for entry in admin.get("/setting").json() if entry["key"] == key]
    return dict(found)


def test_the_list(admin: Administrator) -> None:
    assert entry(admin, "jwt-identity-provider-uri") == {
        "key": "jwt-identity-provider-uri",
        "value": PROVIDER,
        "is_env_setting": False,
        "env_name": "MB_JWT_IDENTITY_PROVIDER_URI",
        "default": None,
    }
    assert SECRET not in admin.get("/setting").content.decode()


def test_a_change(admin: Administrator, standin: Instance) -> None:
    answer = admin.put("/setting/jwt-identity-provider-uri", {"value": "https://b.example/sso"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert standin.configuration["jwt-identity-provider-uri"] == "https://b.example/sso"
    admin.put("/setting/jwt-identity-provider-uri", {"value": None})
    assert standin.configuration["jwt-identity-provider-uri"] is None


def test_a_key_with_a_question_mark(admin: Administrator, standin: Instance) -> None:
    path = "/setting/jwt-user-provisioning-enabled"
    assert admin.put(f"{path}%3F", {"value": False}).status_code == 204
    assert standin.configuration["jwt-user-provisioning-enabled?"] is False
    assert admin.put(f"{path}?", {"value": True}).status_code == 500
    assert standin.configuration["jwt-user-provisioning-enabled?"] is False


def test_a_masked_secret_changes_nothing(admin: Administrator, standin: Instance) -> None:
    masked = entry(admin, "jwt-shared-secret")["value"]
    assert masked == f"**********{SECRET[-2:]}"
    assert admin.put("/setting/jwt-shared-secret", {"value": masked}).status_code == 204
    assert standin.configuration["jwt-shared-secret"] == SECRET


def test_what_the_environment_sets(admin: Administrator, standin: Instance) -> None:
    configure(standin, environment={"MB_JWT_GROUP_SYNC": "false"})
    assert entry(admin, "jwt-group-sync")["is_env_setting"] is True
    assert admin.put("/setting/jwt-group-sync", {"value": True}).status_code == 204
    assert standin.configuration["jwt-group-sync"] is False


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("jwt-enabledd", True),
        ("jwt-enabled", "yes"),
        ("jwt-group-mappings", {"a": ["Sales"]}),
        ("embedding-secret-key", "not hexadecimal"),
    ],
)
def test_what_is_not_accepted(
    admin: Administrator, standin: Instance, key: str, value: object
) -> None:
    before = repr(standin)
    answer = admin.put(f"/setting/{key}", {"value": value})
    assert answer.status_code == 500
    assert key in answer.json()["message"]
    assert admin.put(f"/setting/{key}", {}).status_code == 400
    assert repr(standin) == before


def test_set_up_from_nothing(admin: Administrator, standin: Instance, settings: Any) -> None:
    settings.STANDIN_SETTINGS = {}
    standin.reset()
    for key, value in {
        "jwt-shared-secret": SECRET,
        "jwt-identity-provider-uri": PROVIDER,
        "enable-embedding-modular": True,
        "jwt-enabled": True,
    }.items():
        assert admin.put(f"/setting/{key}", {"value": value}).status_code == 204
        assert entry(admin, key)["value"] in {value, f"**********{SECRET[-2:]}"}
    assert len(standin.configuration["embedding-secret-key"]) == 64
