"""Checks of METABASE_SSO itself: what fires, what is silent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.checks import run_checks
from django.urls import reverse_lazy
from pytest_django import Settings

from django_metabase_sso.policies import deny_emails, trust_emails
from django_metabase_sso.test import SETTINGS
from tests.helpers.configure import Configure
from tests.helpers.findings import (
    APP,
    METABASE,
    Firing,
    Silent,
    assert_fires,
    assert_fires_on_deploy,
    assert_silent,
    ids,
    messages,
    written_ids,
)
from tests.settings import EMBEDDING_SECRET as OTHER
from tests.settings import SECRET


def asynchronous() -> Any:
    async def policy(user: object, request: object) -> bool:
        raise AssertionError

    return policy


def failing_secret() -> str:
    raise ConnectionError(f"the vault is gone, the old secret was {SECRET}")


def one(user: object) -> None:
    raise AssertionError


class Asynchronous:
    async def __call__(self, user: object, request: object) -> bool:
        raise AssertionError


class Policy:
    def __call__(self, user: object, request: object) -> bool:
        raise AssertionError


def params(request: object, entity_type: str, entity_id: object, custom_context: object) -> None:
    raise AssertionError


FIRING: list[Firing] = [
    ({}, {"METABASE_SSO": None}, "E001", "METABASE_SSO"),
    ({"INSTANCE_ULR": "x"}, {}, "E002", "INSTANCE_ULR"),
    ({"INSTANCE_URL": ""}, {}, "E003", "INSTANCE_URL"),
    ({"INSTANCE_URL": "metabase"}, {}, "E003", "INSTANCE_URL"),
    ({"JWT_SHARED_SECRET": ""}, {}, "E005", "JWT_SHARED_SECRET"),
    ({"JWT_SHARED_SECRET": "x" * 31}, {}, "E006", "31 bytes"),
    ({}, {"SECRET_KEY": SECRET}, "E007", "SECRET_KEY"),
    ({"TOKEN_LIFETIME": 0}, {}, "E008", "TOKEN_LIFETIME"),
    ({"GROUP_MAPPING": {"a": 1}}, {}, "E009", "GROUP_MAPPING"),
    ({"CLAIM_NAMES": {"mail": "m"}}, {}, "E010", "CLAIM_NAMES"),
    ({"LOGIN_URL": one}, {}, "E013", "LOGIN_URL"),
    ({}, {"LOGIN_URL": None}, "E013", "it is a NoneType"),
    ({}, {"LOGIN_URL": reverse_lazy("nowhere")}, "E013", "cannot be resolved"),
    ({"ALLOWED_ORIGINS": APP}, {}, "E012", "ALLOWED_ORIGINS"),
    ({"ALLOWED_ORIGINS": ["*"]}, {}, "E012", "'*'"),
    ({"ALLOWED_ORIGINS": ["https://*.vercel.app"]}, {}, "E012", "vercel.app"),
    ({"REDIRECT_PARAMS": {"jwt": "x"}}, {}, "E013", "REDIRECT_PARAMS"),
    ({"ALLOW_ADMINISTRATORS": "False"}, {}, "E014", "ALLOW_ADMINISTRATORS"),
    ({"TENANT": "nowhere.function"}, {}, "E015", "nowhere.function"),
    ({"TENANT": "tests.settings.SECRET_KEY"}, {}, "E015", "TENANT"),
    (
        {"JWT_SHARED_SECRET": "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----"},
        {},
        "E005",
        "JWT_SHARED_SECRET",
    ),
    ({"EMBEDDING_SECRET_KEY": 7}, {}, "E005", "EMBEDDING_SECRET_KEY"),
    ({"EMBEDDING_SECRET_KEY": "x" * 31}, {}, "E006", "EMBEDDING_SECRET_KEY"),
    ({"EMBEDDING_SECRET_KEY": OTHER}, {"SECRET_KEY": OTHER}, "E007", "EMBEDDING_SECRET_KEY"),
    ({"GUEST_TOKEN_LIFETIME": "10"}, {}, "E008", "GUEST_TOKEN_LIFETIME"),
    ({"GUEST_ENTITY_IDS": 1}, {}, "E014", "GUEST_ENTITY_IDS"),
    ({"DEVELOPMENT_API_KEY": "mb_key"}, {}, "E031", "DEBUG is off"),
    ({"DEVELOPMENT_API_KEY": " "}, {"DEBUG": True}, "E031", "is blank"),
    ({"DEVELOPMENT_API_KEY": lambda: "mb_key"}, {"DEBUG": True}, "E031", "is a callable"),
    (
        {"DEVELOPMENT_API_KEY": "mb_key", "API_KEY": "mb_key"},
        {"DEBUG": True},
        "E031",
        "is the same key as API_KEY",
    ),
    (
        {"DEVELOPMENT_API_KEY": "mb_key"},
        {"DEBUG": True},
        "W031",
        "metabase.example.com is not on this machine",
    ),
    ({"GUEST_PARAMS": "nowhere.function"}, {}, "E015", "nowhere.function"),
    (
        {"EMBEDDING_SECRET_KEY": "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----"},
        {},
        "E005",
        "EMBEDDING_SECRET_KEY",
    ),
    ({"EMBEDDING_SECRET_KEY": OTHER, "GUEST_PARAMS": one}, {}, "E018", "GUEST_PARAMS"),
    ({"EMBEDDING_SECRET_KEY": SECRET}, {}, "E028", "the same secret"),
    ({"GUEST_PARAMS": params}, {}, "E029", "EMBEDDING_SECRET_KEY"),
    ({"GUEST_TOKEN_LIFETIME": 29}, {}, "W003", "GUEST_TOKEN_LIFETIME"),
    ({"EMBEDDING_SECRET_KEY": f"{OTHER} "}, {}, "W001", "EMBEDDING_SECRET_KEY"),
    ({"ACCESS_POLICY": "django_metabase_sso.policies.trust_email"}, {}, "E015", "trust_email"),
    ({"TENANT": one}, {}, "E018", "TENANT"),
    ({"AUTHENTICATE": trust_emails}, {}, "E018", "AUTHENTICATE"),
    ({"JWT_SHARED_SECRET": one}, {}, "E018", "JWT_SHARED_SECRET"),
    ({"ACCESS_POLICY": asynchronous()}, {}, "E018", "ACCESS_POLICY"),
    ({"JWT_SHARED_SECRET": f" {SECRET}"}, {}, "W001", "white space"),
    ({"JWT_SHARED_SECRET": f"{SECRET}\ufeff"}, {}, "W001", "white space"),
    ({"JWT_SHARED_SECRET": f"'{SECRET}'"}, {}, "W001", "quotation marks"),
    ({"EMBEDDING_SECRET_KEY": f'"{OTHER}"'}, {}, "W001", "quotation marks"),
    ({"EMBEDDING_SECRET_KEY": f"\u201c{OTHER}\u201d"}, {}, "W001", "quotation marks"),
    ({"INSTANCE_URL": urlsplit(METABASE)}, {}, "E003", "is not a string: it is a SplitResult"),
    ({"ALLOWED_ORIGINS": [urlsplit(APP)]}, {}, "E012", "is not a string"),
    ({"ACCESS_POLICY": Asynchronous()}, {}, "E018", "ACCESS_POLICY"),
    ({"TOKEN_LIFETIME": 29}, {}, "W003", "29 s"),
    ({"TOKEN_LIFETIME": timedelta(days=2)}, {}, "W003", "TOKEN_LIFETIME"),
    ({"TENANT_ATTRIBUTES": trust_emails}, {}, "W004", "TENANT_ATTRIBUTES"),
]
FIRING_ON_DEPLOY: list[Firing] = [
    ({"JWT_SHARED_SECRET": lambda: "short"}, {}, "E006", "5 bytes"),
    ({"JWT_SHARED_SECRET": failing_secret}, {}, "E020", "ConnectionError"),
    ({"JWT_SHARED_SECRET": lambda: f"{SECRET}\n"}, {}, "W001", "white space"),
    ({"INSTANCE_URL": "http://metabase.example.com"}, {}, "W002", "http"),
    ({"ALLOWED_ORIGINS": ["https://*.example.com"]}, {}, "W005", "https://*.example.com"),
    ({"ALLOWED_ORIGINS": ["http://app.example.com"]}, {}, "W002", "http://app.example.com"),
    ({"EMBEDDING_SECRET_KEY": lambda: SECRET}, {}, "E028", "the same secret"),
    ({"EMBEDDING_SECRET_KEY": lambda: f"{OTHER}\n"}, {}, "W001", "EMBEDDING_SECRET_KEY"),
    ({"EMBEDDING_SECRET_KEY": failing_secret}, {}, "E020", "EMBEDDING_SECRET_KEY"),
    ({"JWT_SHARED_SECRET": "abcdefg" * 5}, {}, "W029", "JWT_SHARED_SECRET"),
    (SETTINGS, {}, "W029", "EMBEDDING_SECRET_KEY"),
]
SILENT: list[Silent] = [
    ({"JWT_SHARED_SECRET": lambda: SECRET}, {}, "E005"),
    ({"JWT_SHARED_SECRET": lambda: SECRET}, {}, "W029"),
    ({"JWT_SHARED_SECRET": "abcdefgh" * 4}, {}, "W029"),
    ({"ACCESS_POLICY": Policy()}, {}, "E018"),
    ({"ACCESS_POLICY": deny_emails("*@corp.example")}, {}, "E018"),
    ({"AUTHENTICATE": dict}, {}, "E018"),
    ({"TENANT_ATTRIBUTES": trust_emails, "TENANT": trust_emails}, {}, "W004"),
    (
        {"DEVELOPMENT_API_KEY": "mb_key", "INSTANCE_URL": "http://localhost:3000"},
        {"DEBUG": True},
        "W031",
    ),
    ({"DEVELOPMENT_API_KEY": "mb_key"}, {"DEBUG": True}, "E031"),
    ({"DEVELOPMENT_API_KEY": "mb_1", "API_KEY": "mb_2"}, {"DEBUG": True}, "E031"),
    ({"EMBEDDING_SECRET_KEY": OTHER, "GUEST_PARAMS": params}, {}, "E018"),
    ({"EMBEDDING_SECRET_KEY": OTHER, "GUEST_PARAMS": params}, {}, "E028"),
    ({"INSTANCE_URL": "http://localhost:3000"}, {}, "W002"),
    ({"JWT_SHARED_SECRET": f"it's {SECRET}'"}, {}, "W001"),
]


@pytest.mark.parametrize("case", FIRING)
def test_firing(configure: Configure, settings: Settings, case: Firing) -> None:
    assert_fires(configure, settings, case)


@pytest.mark.parametrize("case", FIRING_ON_DEPLOY)
def test_firing_on_deploy(configure: Configure, settings: Settings, case: Firing) -> None:
    assert_fires_on_deploy(configure, settings, case)


@pytest.mark.parametrize("case", SILENT)
def test_silent(configure: Configure, settings: Settings, case: Silent) -> None:
    assert_silent(configure, settings, case)


def test_every_unknown_key_is_named(configure: Configure) -> None:
    configure(INSTANCE_ULR="x", POLICY="y")
    found = [m for m in run_checks() if m.id == "metabase_sso.E002"]
    assert [("INSTANCE_ULR" in m.msg, "POLICY" in m.msg) for m in found] == [
        (True, False),
        (False, True),
    ]


def test_a_secret_callable_is_not_called_without_deploy(configure: Configure) -> None:
    calls = []

    def secret() -> str:
        calls.append(1)
        return SECRET

    configure(JWT_SHARED_SECRET=secret)
    assert ids() == set()
    assert calls == []
    ids(deploy=True)
    assert calls


# One fault, one finding: what is wrong, and all that is reported.
FAULTS: list[tuple[dict[str, Any], set[str]]] = [
    ({"ACCESS_POLICY": "analytics.nowhere"}, {"E015"}),
    ({"AUTHENTICATE": "analytics.nowhere", "ALLOWED_ORIGINS": [APP]}, {"E015"}),
    ({"TENANT": "analytics.nowhere", "TENANT_ATTRIBUTES": trust_emails}, {"E015"}),
    # E009 is a fault of its own: these users have no groups.
    ({"ALLOW_ADMINISTRATORS": "no", "GROUP_MAPPING": {"a": "Administrators"}}, {"E014", "E009"}),
    ({"REQUIRE_UNIQUE_EMAIL": "no"}, {"E014"}),
    ({"INSTANCE_URL": ""}, {"E003"}),
    ({"ALLOWED_ORIGINS": ["*"]}, {"E012"}),
    ({"JWT_SHARED_SECRET": ""}, {"E005"}),
    ({"JWT_SHARED_SECRET": "short"}, {"E006"}),
    ({"JWT_SHARED_SECRET": "short", "EMBEDDING_SECRET_KEY": lambda: OTHER}, {"E006"}),
    ({"JWT_SHARED_SECRET": "short", "EMBEDDING_SECRET_KEY": "short"}, {"E006"}),
    ({"EMBEDDING_SECRET_KEY": "", "GUEST_PARAMS": params}, {"E005"}),
    ({"INSTANCE_URL": "http://metabase.example.com", "API_KEY": "mb_key"}, {"E032"}),
    ({"API_KEY": " ", "END_ACCESS": ["deactivation"]}, {"E032"}),
    ({"API_KEY": failing_secret}, {"E020"}),
]


@pytest.mark.parametrize(("keys", "expected"), FAULTS)
def test_one_fault_is_one_finding(
    configure: Configure, settings: Settings, keys: dict[str, Any], expected: set[str]
) -> None:
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    configure(**{"ACCESS_POLICY": trust_emails, **keys})
    found = run_checks(include_deployment_checks=True)
    ours = [m.msg for m in found if str(m.id).startswith("metabase_sso.")]
    assert len(ours) == len(set(ours))
    assert ids(deploy=True) == expected


def test_the_name_that_was_meant(configure: Configure) -> None:
    configure(ACCESS_POLICY="django_metabase_sso.policies.trust_email")
    assert "'django_metabase_sso.policies.trust_emails'" in str(messages()["E015"].hint)
    configure(ACCESS_POLICY="django_metabase_sso.policies.nothing_like_it")
    assert "'analytics.metabase.function'" in str(messages()["E015"].hint)


def test_every_id_fires() -> None:
    fired = {case[2] for case in FIRING + FIRING_ON_DEPLOY}
    paths = ("checks/settings.py", "conf/*.py", "tokens.py", "contrib/*.py")
    # These three are in test_settings_administration.
    assert written_ids(*paths) - {"E032", "E034", "W032"} == fired
