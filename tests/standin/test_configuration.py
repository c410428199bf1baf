"""What has to be set in Metabase: its keys, its environment, and what a version knows."""

from __future__ import annotations

from typing import Any

import pytest

from example_project.standin.configuration import (
    LOCALHOST,
    SETTINGS,
    BadConfiguration,
    Configuration,
)
from example_project.standin.start import configured, environment, fresh
from example_project.standin.versions import Version

KEYS_OF_65 = {"enable-embedding-modular"}
KEYS_OF_58 = {"use-tenants", "jwt-attribute-tenant"}


def of(version: int = 65, typed: dict[str, Any] | None = None, **variables: str) -> Configuration:
    return Configuration(Version(version), typed, variables)


def entry(configuration: Configuration, key: str) -> dict[str, Any]:
    [found] = [entry for entry in configuration.listed() if entry["key"] == key]
    return found


def test_a_new_instance() -> None:
    new = of()
    switches = [setting.key for setting in new if setting.kind == "switch" and new[setting.key]]
    assert switches == ["jwt-user-provisioning-enabled?"]
    assert new["embedding-app-origins-sdk"] == LOCALHOST
    assert new["jwt-group-mappings"] == {}
    assert {item["value"] for item in new.listed()} == {None}


@pytest.mark.parametrize(("version", "without"), [(56, KEYS_OF_65 | KEYS_OF_58), (63, KEYS_OF_65)])
def test_what_a_version_does_not_know(version: int, without: set[str]) -> None:
    old = of(version)
    assert not without & {setting.key for setting in old}
    for key in without:
        with pytest.raises(BadConfiguration, match="no such setting"):
            old.change({key: None})


def test_names_of_variables() -> None:
    names = {key: setting.env_name for key, setting in SETTINGS.items()}
    assert names["jwt-user-provisioning-enabled?"] == "MB_JWT_USER_PROVISIONING_ENABLED"
    assert names["embedding-app-origins-sdk"] == "MB_EMBEDDING_APP_ORIGINS_SDK"


def test_the_environment_wins_and_cannot_be_changed() -> None:
    there = of(MB_JWT_GROUP_SYNC="true", MB_JWT_GROUP_MAPPINGS='{"a": [4]}', OTHER="x")
    assert there["jwt-group-sync"] is True
    assert there["jwt-group-mappings"] == {"a": [4]}
    there.change({"jwt-group-sync": False})
    assert there["jwt-group-sync"] is True
    assert entry(there, "jwt-group-sync") == {
        "key": "jwt-group-sync",
        "value": None,
        "is_env_setting": True,
        "env_name": "MB_JWT_GROUP_SYNC",
        "default": "Using value of env var $MB_JWT_GROUP_SYNC",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("MB_ENABLE_EMBEDDING", "MB_ENABLE_EMBEDDING_SDK"),
        ("MB_EMBEDDING_APP_ORIGIN", "MB_EMBEDDING_APP_ORIGINS_SDK"),
    ],
)
def test_old_names_beside_new_ones_stop_it(old: str, new: str) -> None:
    alone = Configuration(Version.V65, environment={old: "true"})
    assert alone["enable-embedding-sdk"] is False
    with pytest.raises(BadConfiguration, match=f"{old} is set beside {new}"):
        Configuration(Version.V65, environment={old: "true", new: "true"})


def test_tenants_have_no_variable() -> None:
    assert of(MB_USE_TENANTS="true")["use-tenants"] is False


def test_secrets_are_masked() -> None:
    secret = entry(of(typed={"jwt-shared-secret": "0123456789abcdef"}), "jwt-shared-secret")
    assert secret["value"] == "**********ef"
    assert entry(of(), "jwt-shared-secret")["value"] is None


@pytest.mark.parametrize(("version", "is_on"), [(56, True), (63, True), (65, False)])
def test_jwt_is_off_without_what_it_needs(version: int, is_on: bool) -> None:
    """Until there is a secret; in 65 until there is an Identity Provider URI as well."""
    there = of(version, {"jwt-enabled": True})
    assert there["jwt-enabled"] is False
    there.change({"jwt-shared-secret": "x" * 32})
    assert there["jwt-enabled"] is is_on
    there.change({"jwt-identity-provider-uri": "https://www.example.com/sso/metabase"})
    assert there["jwt-enabled"] is True


@pytest.mark.parametrize("kind", ["sdk", "simple", "static"])
def test_one_switch_for_all_components(kind: Any) -> None:
    new = of()
    assert not new.is_on(kind)
    new.change({f"enable-embedding-{kind}": True})
    assert new.is_on("sdk")
    assert new.is_on("static")
    new.change({"enable-embedding-modular": False})
    assert not new.is_on(kind)
    assert of(63, {f"enable-embedding-{kind}": True}).is_on(kind)
    assert not of(63, {"enable-embedding-interactive": True}).is_on(kind)


def test_a_switch_makes_a_secret_key() -> None:
    there = of(63)
    there.change({"enable-embedding-static": True})
    made = there["embedding-secret-key"]
    assert len(bytes.fromhex(made)) == 32
    there.change({"enable-embedding-sdk": True})
    assert there["embedding-secret-key"] == made


def test_the_secret_key_is_hexadecimal() -> None:
    there = of()
    with pytest.raises(BadConfiguration, match="hexadecimal"):
        there.change({"embedding-secret-key": "x" * 64})
    there.change({"embedding-secret-key": "ab" * 32})
    assert there["embedding-secret-key"] == "ab" * 32


def test_localhost_is_in_the_list_of_origins() -> None:
    there = of()
    there.change(
        {"embedding-app-origins-sdk": "localhost:8000 https://a.example https://a.example"}
    )
    assert there["embedding-app-origins-sdk"] == "localhost:* https://a.example"
    there.change({"disable-cors-on-localhost": True})
    assert there["embedding-app-origins-sdk"] == "https://a.example"


def test_no_secret_is_printed() -> None:
    secret = "0123456789abcdef" * 2
    assert secret not in repr(of(typed={"jwt-shared-secret": secret}))


def test_how_it_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set in this process is not for the stand-in, unless it is handed over."""
    monkeypatch.setenv("MB_JWT_ENABLED", "true")
    monkeypatch.setenv("STANDIN_API_KEY", "x")
    variables = {"MB_JWT_GROUP_SYNC": "true"}
    made = environment(fresh("http://localhost:1"), version=58, variables=variables)
    assert made["MB_JWT_GROUP_SYNC"] == "true"
    assert made["STANDIN_VERSION"] == "58"
    assert not {"MB_JWT_ENABLED", "STANDIN_API_KEY"} & made.keys()
    there = of(typed=configured("http://localhost:1", "http://localhost:2/", [], site_locale="de"))
    assert there["jwt-enabled"] is there["jwt-group-sync"] is there.is_on("sdk") is True
    assert there["site-locale"] == "de"
    assert of(typed=fresh("http://localhost:1"))["jwt-enabled"] is False
