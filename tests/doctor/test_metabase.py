"""Each fault of Metabase's side, made in the stand-in: the doctor names its cause and its cure."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from django_metabase_sso.claims import INTERNAL
from django_metabase_sso.troubleshooting import ErrorText, lookup
from tests.helpers.configure import Configure
from tests.helpers.reports import APP, Doctor
from tests.servers.standin import Metabase
from tests.settings import EMBEDDING_SECRET, SECRET

OTHER_SECRET = "another-shared-secret-0123456789abcdefghij"


def row_of(text: str) -> ErrorText:
    """Return the row of the table for a message."""
    row = lookup(text)
    assert row is not None
    return row


def test_all_is_well(doctor: Doctor, metabase: Metabase) -> None:
    before = metabase.state()
    report = doctor()
    assert report.exit_code == 0
    assert "v1.65.1" in report.one("instance")["title"]
    for code in ("clock", "site-url", "method", "identity-provider", "secret", "endpoint"):
        assert report.level(code) == "ok"
    after = metabase.state()
    assert (after["accounts"], after["sign_ins"]) == (before["accounts"], [])
    assert report.level("cors") == "skipped"


# What is switched in the stand-in, and the text of section 6 of Metabase's facts
SAID = [
    ("sso", {"jwt_enabled": False}, "SSO has not been enabled and/or configured"),
]


@pytest.mark.parametrize(("code", "switched", "text"), SAID)
def test_error_texts(
    doctor: Doctor, metabase: Metabase, code: str, switched: dict[str, Any], text: str
) -> None:
    metabase.change(**switched)
    found = doctor().one(code)
    assert text in found["title"]
    assert found["cause"].startswith(row_of(text).cause)
    assert found["cure"] == row_of(text).cure
    assert found["level"] == "fault"


@pytest.mark.parametrize(
    ("switched", "words"),
    [("enable_embedding_sdk", "the SDK"), ("enable_embedding_simple", "web components")],
)
def test_one_kind_of_embedding_is_off(
    doctor: Doctor, metabase: Metabase, switched: str, words: str
) -> None:
    metabase.change(version=63, **{switched: False})
    found = doctor().one("embedding")
    assert found["level"] == "warning"
    assert words in found["title"]
    assert "Admin > Embedding" in found["cure"]


@pytest.mark.parametrize(("skew", "lifetime"), [(300, 600), (100, 60), (60, 60)])
def test_a_clock_that_is_ahead_is_one_fault(
    doctor: Doctor, metabase: Metabase, ada: User, configure: Configure, skew: int, lifetime: int
) -> None:
    """Metabase refuses each token for its times, after it found the signature good."""
    metabase.change(clock_skew=skew)
    configure(TOKEN_LIFETIME=lifetime)
    report = doctor("--user", "ada")
    assert report.faults() == ["clock"]
    assert "TOKEN_LIFETIME" not in report.one("clock")["cure"]
    assert report.level("secret") == "ok"
    assert report.level("exchange") == "skipped"
    assert metabase.state()["sign_ins"] == []


# Secrets


@pytest.mark.parametrize("secret", [OTHER_SECRET, f"{SECRET} ", f"{SECRET}\n", SECRET.upper()])
def test_another_secret(
    doctor: Doctor, metabase: Metabase, ada: User, configure: Configure, secret: str
) -> None:
    configure(JWT_SHARED_SECRET=secret)
    report = doctor("--user", "ada")
    assert report.faults() == ["secret"]
    found = report.one("secret")
    has_space = secret != secret.strip()
    said = "white space" if has_space else "Message seems corrupt or manipulated"
    assert said in found["title"]
    assert "JWT_SHARED_SECRET" in found["cure"]
    assert report.level("exchange") == "skipped"
    assert metabase.state()["sign_ins"] == []
    assert not report.all("metabase_sso.W001")


@pytest.mark.parametrize(
    ("secret", "changes", "level", "words"),
    [
        (EMBEDDING_SECRET, {}, "ok", "the same embedding secret key"),
        (OTHER_SECRET, {}, "fault", "Guest embeds: Metabase says: Message seems corrupt"),
        (
            EMBEDDING_SECRET,
            {"version": 63, "enable_embedding_static": False},
            "warning",
            "could not be compared",
        ),
        (EMBEDDING_SECRET, {"clock_skew": 300}, "ok", "the same embedding secret key"),
    ],
)
def test_the_secret_of_guest_embeds(
    doctor: Doctor,
    metabase: Metabase,
    configure: Configure,
    secret: str,
    changes: dict[str, Any],
    level: str,
    words: str,
) -> None:
    configure(EMBEDDING_SECRET_KEY=secret)
    metabase.change(**changes)
    found = doctor().all("embedding-secret")[-1]
    assert (found["level"], words in found["title"]) == (level, True)
    if secret == OTHER_SECRET:
        assert "METABASE_SSO['EMBEDDING_SECRET_KEY']" in found["cure"]


# Clocks


@pytest.mark.parametrize(
    ("skew", "level"),
    [
        (0, "ok"),
        (3, "ok"),
        (-3, "ok"),
        (8, "warning"),
        (-8, "warning"),
        (110, "warning"),
        (130, "fault"),
        (-130, "fault"),
    ],
)
def test_clocks(doctor: Doctor, metabase: Metabase, skew: int, level: str) -> None:
    metabase.change(clock_skew=skew)
    found = doctor().one("clock")
    assert found["level"] == level
    if level != "ok":
        assert "NTP" in found["cure"]
        assert ("ahead" if skew > 0 else "behind") in found["title"]


# Discovery


def test_saml_as_well(doctor: Doctor, metabase: Metabase) -> None:
    metabase.change(saml_enabled=True)
    report = doctor()
    assert report.exit_code == 0
    assert report.level("method") == "warning"
    assert "preferredAuthMethod" in report.one("method")["cure"]


def test_saml_instead(doctor: Doctor, metabase: Metabase) -> None:
    metabase.change(saml_enabled=True, jwt_enabled=False)
    report = doctor()
    assert report.faults() == ["method"]
    assert "JWT is off" in report.one("method")["cause"]
    assert "Authentication" in report.one("method")["cure"]
    assert report.level("secret") == "skipped"


@pytest.mark.parametrize("embeds", [True, False])
def test_no_embedding_at_all(doctor: Doctor, metabase: Metabase, embeds: bool) -> None:
    """Links and iframes sign in without it, and lead to the Identity Provider URI as well."""
    metabase.change(enable_embedding_modular=False)
    report = doctor(*(["--origin", APP] if embeds else []))
    levels = {finding["level"] for finding in report.all("embedding")}
    assert levels == {"fault" if embeds else "warning"}
    assert len(report.all("embedding")) == 1
    assert report.level("identity-provider") == "ok"
    assert report.level("secret") == "ok"


@pytest.mark.parametrize(
    ("uri", "cause", "cure"),
    [
        ("", "not an absolute URL", "https://your-site.example.com/sso/metabase"),
        ("/sso/metabase", "not an absolute URL", "https://your-site.example.com/sso/metabase"),
        ("https://localhost/sso", "not at its path", "https://localhost/sso/metabase"),
        ("https://localhost/other/", "not at its path", "https://localhost/sso/metabase"),
        ("https://other.example/sso/metabase", "ALLOWED_HOSTS", "your-site.example.com"),
        ("https://[/sso/metabase", "not an absolute URL", "your-site.example.com"),
    ],
)
def test_an_identity_provider_that_is_not_ours(
    doctor: Doctor, metabase: Metabase, uri: str, cause: str, cure: str
) -> None:
    metabase.change(version=63, jwt_identity_provider_uri=uri)
    report = doctor()
    assert report.faults() == ["identity-provider"]
    assert cause in report.one("identity-provider")["cause"]
    assert cure in report.one("identity-provider")["cure"]
    assert report.level("cache") == "skipped"


def test_an_identity_provider_with_http(
    doctor: Doctor, metabase: Metabase, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = [".invalid"]
    metabase.change(jwt_identity_provider_uri="http://app.invalid/sso/metabase/")
    report = doctor()
    assert report.faults() == ["identity-provider"]
    found = report.one("identity-provider")
    assert "http" in found["title"]
    assert "https://app.invalid/sso/metabase/." in found["cure"]


def test_http_on_this_machine_while_django_redirects_it(
    doctor: Doctor, metabase: Metabase, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    report = doctor()
    assert report.faults() == ["identity-provider"]
    assert "https://localhost" in report.one("identity-provider")["cure"]
    assert report.level("endpoint") == "ok"


def test_another_site_url(doctor: Doctor, metabase: Metabase, configure: Configure) -> None:
    configure(INSTANCE_URL=metabase.url.replace("localhost", "127.0.0.1"))
    report = doctor()
    assert report.faults() == ["site-url"]
    found = report.one("site-url")
    assert "refuses to send users" in found["title"]
    assert metabase.url in found["cause"]
    assert "site URL" in found["cure"]


# CORS


def test_cors(doctor: Doctor, metabase: Metabase) -> None:
    assert doctor("--origin", APP).level("metabase-cors") == "ok"
    assert doctor("--origin", metabase.url).level("metabase-cors") == "ok"
    found = doctor("--origin", "https://other.example.com").one("metabase-cors")
    assert found["level"] == "fault"
    assert "Access-Control-Allow-Origin" in found["cause"]
    assert "https://other.example.com" in found["cure"]
    assert "CORS" in found["cure"]


def test_every_allowed_origin_is_judged(
    doctor: Doctor, metabase: Metabase, configure: Configure
) -> None:
    origins = [APP, "https://other.example.com", "https://*.example.org"]
    configure(ALLOWED_ORIGINS=origins)
    assert [found["level"] for found in doctor().all("metabase-cors")] == ["ok", "fault"]


# Signing in


def test_a_sign_in(doctor: Doctor, metabase: Metabase, ada: User) -> None:
    report = doctor("--user", "ada")
    assert report.exit_code == 0
    assert "as ada@example.com" in report.one("exchange")["title"]
    state = metabase.state()
    assert [entry["how"] for entry in state["sign_ins"]] == ["to_session", "POST", "POST"]
    assert {entry["email"] for entry in state["sign_ins"]} == {"ada@example.com"}
    assert state["sessions"] == 0


def sign_in(doctor: Doctor, text: str) -> None:
    """Assert that the exchange fails with this message of Metabase."""
    report = doctor("--user", "ada")
    row = row_of(text)
    assert report.faults() == ["exchange"]
    found = report.one("exchange")
    assert text in found["title"]
    assert (found["cause"], found["cure"]) == (row.cause, row.cure)


def test_no_provisioning(doctor: Doctor, metabase: Metabase, ada: User) -> None:
    metabase.change(jwt_user_provisioning_enabled=False)
    sign_in(doctor, "Sorry, but you'll need a")


def test_another_name_of_the_email_claim(doctor: Doctor, metabase: Metabase, ada: User) -> None:
    metabase.change(jwt_attribute_email="mail")
    sign_in(doctor, "JWT token missing email claim")


def test_the_email_from_another_claim(
    doctor: Doctor, metabase: Metabase, ada: User, configure: Configure
) -> None:
    metabase.change(jwt_attribute_email="manager")
    configure(USER_ATTRIBUTES=lambda user, request: {"manager": "eve@example.com"})
    report = doctor("--user", "ada")
    assert report.faults() == ["exchange"]
    assert "eve@example.com" in report.one("exchange")["title"]
    assert "CLAIM_NAMES" in report.one("exchange")["cure"]


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("acme", "globex", "Tenant ID mismatch with existing user"),
        ("acme", INTERNAL, "Tenant claim required for external user"),
        (INTERNAL, "acme", "Cannot add tenant claim to internal user"),
    ],
)
def test_tenants(
    doctor: Doctor,
    metabase: Metabase,
    ada: User,
    configure: Configure,
    first: object,
    second: object,
    text: str,
) -> None:
    metabase.change(use_tenants=True)
    configure(TENANT=lambda user, request: first)
    assert doctor("--user", "ada").exit_code == 0
    configure(TENANT=lambda user, request: second)
    sign_in(doctor, text)


def test_a_tenant_that_is_deactivated(
    doctor: Doctor, metabase: Metabase, ada: User, configure: Configure
) -> None:
    """The token brings it back."""
    metabase.change(use_tenants=True, tenants={"acme": False})
    configure(TENANT=lambda user, request: "acme")
    assert doctor("--user", "ada").exit_code == 0
    assert metabase.state()["settings"]["tenants"]["acme"] is True


def test_a_tenant_that_is_no_text(
    doctor: Doctor, metabase: Metabase, ada: User, configure: Configure
) -> None:
    """This package sends no such tenant; a claim of Metabase's own name for it can be one."""
    metabase.change(use_tenants=True, jwt_attribute_tenant="groups")
    configure(GROUP_MAPPING=lambda user, request: ["Sales"])
    sign_in(doctor, "Value of `@tenant` must be a string")


@pytest.mark.parametrize(
    ("changed", "cause", "cure"),
    [
        (
            {"ACCESS_POLICY": lambda user, request: False},
            "not allowed to sign in",
            "ACCESS_POLICY",
        ),
        ({"TENANT": lambda user, request: ""}, "not belong to a tenant", "TENANT"),
        ({"USER_ATTRIBUTES": lambda user, request: {"a": []}}, "'a'", "METABASE_SSO"),
    ],
)
def test_nobody_to_sign_in(
    doctor: Doctor,
    metabase: Metabase,
    ada: User,
    configure: Configure,
    changed: dict[str, Any],
    cause: str,
    cure: str,
) -> None:
    configure(**changed)
    report = doctor("--user", "ada")
    assert report.faults() == ["exchange"]
    assert cause in report.one("exchange")["cause"]
    assert cure in report.one("exchange")["cure"]
    assert metabase.state()["sign_ins"] == []


def test_a_callable_that_raises(
    doctor: Doctor, metabase: Metabase, ada: User, configure: Configure
) -> None:
    def broken(user: User, request: None) -> dict[str, str]:
        raise RuntimeError(SECRET)

    configure(USER_ATTRIBUTES=broken)
    report = doctor("--user", "ada")
    assert report.faults() == ["exchange"]
    assert "RuntimeError" in report.one("exchange")["cause"]
    assert report.level("endpoint") == "ok"
