"""`manage.py metabase_sso setup`: what has to be set in Metabase, said and done."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.helpers.administration import FRESH, SITE, Administered, Run
from tests.helpers.configure import Configure
from tests.servers.canned import Canned, fake
from tests.settings import EMBEDDING_SECRET, SECRET

HEX = "89abcdef" * 8
SETUP = ("setup", "--site", SITE)


@pytest.fixture(autouse=True)
def project(configure: Configure, metabase: Administered) -> None:
    configure(ACCESS_POLICY="django_metabase_sso.policies.trust_emails")
    metabase.change(**{"jwt-identity-provider-uri": f"{SITE}/sso/metabase"})


def states(manage: Run, *arguments: str) -> tuple[int, dict[str, str], list[str]]:
    """Return the status, the state of each setting and what was applied."""
    status, out, _ = manage(*SETUP, "--json", *arguments)
    found = json.loads(out)
    assert list(found) == ["settings", "applied"]
    for setting in found["settings"]:
        assert list(setting) == ["key", "wanted", "now", "state", "where", "env"]
        if setting["key"] in ("jwt-shared-secret", "embedding-secret-key"):
            assert setting["wanted"] is setting["now"] is None
    return status, {row["key"]: row["state"] for row in found["settings"]}, found["applied"]


def test_a_new_metabase(fresh: Administered, manage: Run) -> None:
    before = fresh.settings()
    status, found, applied = states(manage)
    assert (status, applied) == (1, [])
    assert fresh.settings() == before
    assert {key for key, state in found.items() if state == "differs"} == {
        "jwt-identity-provider-uri",
        "jwt-shared-secret",
        "embedding-app-origins-sdk",
        "enable-embedding-modular",
        "jwt-enabled",
    }


def test_apply_and_again(fresh: Administered, manage: Run) -> None:
    status, found, applied = states(manage, "--apply")
    assert status == 0, found
    assert set(found.values()) == {"same"}
    assert applied[-1] == "jwt-enabled"
    values = fresh.settings()
    assert values["jwt-identity-provider-uri"] == f"{SITE}/sso/metabase"
    assert values["embedding-app-origins-sdk"] == f"localhost:* {SITE}"
    assert values["jwt-group-sync"] is False
    assert states(manage, "--apply") == (0, found, [])


@pytest.mark.parametrize(
    ("version", "embeds", "switches"),
    [
        (65, ["components"], {"modular"}),
        (65, ["sdk", "guests", "static"], {"modular"}),
        (65, ["full-app"], {"interactive"}),
        (60, ["components"], {"simple"}),
        (60, ["sdk", "components"], {"sdk", "simple"}),
        (56, ["guests"], {"static"}),
        (56, ["static", "full-app"], {"static", "interactive"}),
    ],
)
def test_the_switches_that_the_version_knows(
    fresh: Administered,
    configure: Configure,
    manage: Run,
    version: int,
    embeds: list[str],
    switches: set[str],
) -> None:
    configure(EMBEDDING_SECRET_KEY=HEX)
    fresh.change(version=version)
    status, _, applied = states(manage, "--apply", "--embed", *embeds)
    assert status == 0
    written = {key.removeprefix("enable-embedding-") for key in applied if "enable" in key}
    assert written - {"jwt-enabled"} == switches
    assert states(manage, "--embed", *embeds)[0] == 0


def test_nothing_is_switched_off_and_no_origin_removed(
    metabase: Administered, configure: Configure, manage: Run
) -> None:
    configure(ALLOWED_ORIGINS=["https://app.example.com"])
    metabase.change(**{"embedding-app-origins-sdk": "https://other.example https://*.b.example"})
    before = metabase.settings()
    states(manage, "--apply", "--embed", "sdk")
    after = metabase.settings()
    assert after["embedding-app-origins-sdk"] == (
        f"localhost:* https://other.example https://*.b.example {SITE} https://app.example.com"
    )
    for key, value in before.items():
        if value is True:
            assert after[key] is True


def test_another_site_uses_it(metabase: Administered, manage: Run) -> None:
    """The address and the secret of somebody else are a conflict, until they are named."""
    metabase.change(
        **{
            "jwt-identity-provider-uri": "https://shop.example/sso",
            "jwt-shared-secret": "of another site, long enough to be one",
        }
    )
    status, found, applied = states(manage, "--apply")
    assert status == 1
    assert found["jwt-identity-provider-uri"] == found["jwt-shared-secret"] == "conflict"
    assert not {"jwt-identity-provider-uri", "jwt-shared-secret"} & set(applied)
    assert metabase.settings()["jwt-identity-provider-uri"] == "https://shop.example/sso"
    status, out, _ = manage(*SETUP)
    assert "which another site may use" in out
    assert "--replace jwt-identity-provider-uri" in out
    replace = ["--replace", "jwt-identity-provider-uri", "jwt-shared-secret"]
    status, found, applied = states(manage, "--apply", *replace)
    assert status == 0
    assert applied == ["jwt-identity-provider-uri", "jwt-shared-secret"]
    assert found["jwt-shared-secret"] == "same"


def test_a_secret_that_cannot_be_compared(metabase: Administered, manage: Run) -> None:
    """While JWT is off, Metabase judges no token; that does not count as something to do."""
    metabase.change(**{"jwt-enabled": False})
    status, found, _ = states(manage)
    assert found["jwt-shared-secret"] == "unknown"
    status, found, applied = states(manage, "--apply")
    assert (status, found["jwt-shared-secret"]) == (0, "same")
    assert "jwt-shared-secret" not in applied


@pytest.mark.parametrize("secret", [HEX, "7" * 64])
def test_the_embedding_secret_key(
    metabase: Administered, configure: Configure, manage: Run, secret: str
) -> None:
    configure(EMBEDDING_SECRET_KEY=HEX)
    metabase.change(**{"embedding-secret-key": secret})
    _, found, _ = states(manage, "--embed", "guests")
    assert found["embedding-secret-key"] == ("same" if secret == HEX else "conflict")


def test_a_value_of_the_environment(metabase: Administered, manage: Run) -> None:
    variables = {"MB_JWT_IDENTITY_PROVIDER_URI": "https://old.example/sso"}
    metabase.change(environment={**variables, "MB_ENABLE_EMBEDDING_MODULAR": "true"})
    status, found, applied = states(manage, "--apply", "--replace", "jwt-identity-provider-uri")
    assert status == 1
    assert found["jwt-identity-provider-uri"] == "environment"
    assert found["enable-embedding-modular"] == "same"
    assert not {"jwt-identity-provider-uri", "enable-embedding-modular"} & set(applied)
    _, out, _ = manage(*SETUP)
    assert "Change MB_JWT_IDENTITY_PROVIDER_URI in Metabase" in out


def test_what_is_only_reported(fresh: Administered, configure: Configure, manage: Run) -> None:
    configure(TENANT=lambda user, request: "acme")
    fresh.change(**{"site-url": "https://elsewhere.example"})
    fresh.change(**{"jwt-user-provisioning-enabled?": False})
    status, found, applied = states(manage, "--apply", "--embed", "full-app")
    reported = {"site-url", "jwt-user-provisioning-enabled?", "use-tenants"}
    reported |= {"session-cookie-samesite"}
    assert {found[key] for key in reported} == {"differs"}
    assert not reported & set(applied)
    assert status == 0
    _, out, _ = manage(*SETUP)
    assert "The command does not write this setting." in out
    named = ["--set", *sorted(reported)]
    status, found, applied = states(manage, "--apply", "--embed", "full-app", *named)
    assert (status, set(applied)) == (0, reported)
    assert fresh.settings()["jwt-user-provisioning-enabled?"] is True


def test_one_site_needs_no_other_cookie(fresh: Administered, manage: Run) -> None:
    _, out, _ = manage("setup", "--site", "http://localhost:8000", "--embed", "full-app")
    assert "session-cookie-samesite" not in out


def test_group_sync_is_asked_for(metabase: Administered, manage: Run) -> None:
    metabase.change(**{"jwt-group-sync": False})
    _, found, _ = states(manage, "--apply")
    assert "jwt-group-sync" not in found
    status, _, err = manage(*SETUP, "--sync-groups", "--apply")
    assert status == 0
    assert "replaces all of the user's groups" in err
    assert metabase.settings()["jwt-group-sync"] is True


def test_claim_names(fresh: Administered, configure: Configure, manage: Run) -> None:
    configure(
        CLAIM_NAMES={"email": "mail", "groups": "teams"},
        GROUP_MAPPING="django_metabase_sso.claims.django_groups",
        TENANT=lambda user, request: "acme",
        TENANT_ATTRIBUTES=lambda user, request: {},
    )
    _, _, applied = states(manage, "--apply")
    assert {"jwt-attribute-email", "jwt-attribute-groups"} <= set(applied)
    assert fresh.settings()["jwt-attribute-email"] == "mail"


def test_the_environment_of_metabase(fresh: Administered, manage: Run) -> None:
    _, out, _ = manage(*SETUP, "--env")
    lines = dict(line.split("=", 1) for line in out.splitlines())
    assert lines["MB_JWT_SHARED_SECRET"] == "${METABASE_JWT_SHARED_SECRET}"
    assert lines["MB_JWT_ENABLED"] == "true"
    assert lines["MB_EMBEDDING_APP_ORIGINS_SDK"] == SITE
    assert "MB_ENABLE_EMBEDDING" not in lines
    assert "MB_EMBEDDING_APP_ORIGIN" not in lines
    assert "MB_SITE_URL" not in lines


def test_tenants_have_no_variable(fresh: Administered, configure: Configure, manage: Run) -> None:
    configure(TENANT=lambda user, request: "acme")
    _, out, _ = manage(*SETUP, "--env", "--sync-groups", "--set", "use-tenants", "site-url")
    assert "# use-tenants has no environment variable: set it in Admin > People > Tenants." in out
    assert "MB_JWT_GROUP_MAPPINGS={}" in out
    assert "MB_SITE_URL=http" in out


def test_without_a_key(fresh: Administered, configure: Configure, manage: Run) -> None:
    configure(API_KEY=None)
    status, found, _ = states(manage)
    assert (status, set(found.values())) == (0, {"unknown"})
    status, out, err = manage(*SETUP)
    assert status == 0
    assert "present values in Metabase are unknown" in err
    assert "Compare the value in Embedding hub > Authentication." in out
    status, _, err = manage(*SETUP, "--apply")
    assert status == 2
    assert "needs METABASE_SSO['API_KEY']" in err


@pytest.mark.parametrize("version", [65, 60])
def test_where_it_is_in_the_admin_pages(fresh: Administered, manage: Run, version: int) -> None:
    fresh.change(version=version)
    _, out, _ = manage(*SETUP)
    name = "Embedding hub > Security" if version == 65 else "Admin > Embedding"
    assert f"Set it in {name}, or use --apply. The value is false now." in out


def test_names_that_are_not_settings(fresh: Administered, manage: Run) -> None:
    status, _, err = manage(*SETUP, "--set", "jwt-enable")
    assert status == 2
    assert "'jwt-enable' is not one of" in err


@pytest.mark.parametrize("site", ["www.example.com", "https://*.example.com", "https://a.b/c"])
def test_a_site_that_is_not_one(manage: Run, site: str) -> None:
    status, _, err = manage("setup", "--site", site)
    assert status == 1  # Django's own for arguments that are wrong
    assert "--site" in err


def test_without_our_urls(fresh: Administered, settings: Any, manage: Run) -> None:
    settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": []})
    status, _, err = manage(*SETUP)
    assert status == 2
    assert 'Add path("sso/"' in err


def test_metabase_fails_half_way(configure: Configure, manage: Run) -> None:
    rows = [
        {"key": key, "value": value, "is_env_setting": False, "default": None}
        for key, value in {**FRESH, "enable-embedding-modular": False}.items()
    ]
    answers = {
        "GET /api/session/properties": Canned(200, {"version": {"tag": "v1.65.1"}}),
        "GET /api/setting": Canned(200, rows),
        "PUT /api/setting/jwt-identity-provider-uri": Canned(204),
        "PUT /api/setting/jwt-shared-secret": Canned(500),
    }
    with fake(answers) as server:
        configure(INSTANCE_URL=server.url, API_KEY="mb_tests-only=")
        status, _, err = manage(*SETUP, "--apply")
    assert status == 2
    assert "PUT /api/setting/jwt-shared-secret: the server failed" in err
    assert "Written before the error: jwt-identity-provider-uri." in err
    bodies = [request for request in server.requests if "PUT" in request]
    assert SECRET in bodies[1]  # sent to Metabase, and shown nowhere else
    assert EMBEDDING_SECRET not in "".join(bodies)


def test_a_list_that_is_not_one(configure: Configure, manage: Run) -> None:
    answers = {
        "GET /api/session/properties": Canned(200, {}),
        "GET /api/setting": Canned(200, {"message": "no"}),
    }
    with fake(answers) as server:
        configure(INSTANCE_URL=server.url, API_KEY="mb_tests-only=")
        status, _, err = manage(*SETUP)
    assert status == 2
    assert "not a list of settings" in err


def test_properties_that_are_not_an_object(configure: Configure, manage: Run) -> None:
    """The value of a variable in Metabase's environment is then unknown."""
    row = {"key": "site-url", "value": None, "is_env_setting": True, "default": None}
    answers = {
        "GET /api/session/properties": Canned(200, ["v1.65.1"]),
        "GET /api/setting": Canned(200, [row]),
    }
    with fake(answers) as server:
        configure(INSTANCE_URL=server.url, API_KEY="mb_tests-only=")
        status, out, err = manage(*SETUP)
    assert status == 0, err
    assert "unknown      site-url" in out
