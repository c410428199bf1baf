"""Checks of pages that embed: what fires, what is silent."""

from __future__ import annotations

from typing import Any

import django
import pytest
from pytest_django import Settings

from django_metabase_sso.csp import csp_sources
from tests.helpers.configure import Configure
from tests.helpers.findings import (
    METABASE,
    Firing,
    Silent,
    assert_fires,
    assert_fires_on_deploy,
    assert_silent,
    in_front,
    written_ids,
)
from tests.settings import EMBEDDING_SECRET as OTHER

CSP = "csp.middleware.CSPMiddleware"


def csp(directives: dict[str, list[str]]) -> dict[str, Any]:
    """Return settings with a policy of django-csp."""
    policy = {"DIRECTIVES": directives}
    return {"CONTENT_SECURITY_POLICY": policy, "MIDDLEWARE": in_front(CSP)}


def templates() -> list[dict[str, Any]]:
    """Return a setting in which templates do not get the request."""
    return [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]


DJANGO_CSP: list[dict[str, Any]] = [
    {
        "SECURE_CSP": {"default-src": ["'self'"]},
        "MIDDLEWARE": in_front("django.middleware.csp.ContentSecurityPolicyMiddleware"),
    }
][django.VERSION < (6, 0) :]
FIRING: list[Firing] = [
    (
        {},
        csp({"default-src": ["'self'"]}),
        "W017",
        "CONTENT_SECURITY_POLICY blocks Metabase's embeds: script-src, frame-src",
    ),
    (
        {},
        csp({"form-action": ["'self'"]}),
        "W017",
        "CONTENT_SECURITY_POLICY blocks redirects from your login form to Metabase",
    ),
    *(({}, others, "W017", "SECURE_CSP") for others in DJANGO_CSP),
    ({"EMBEDDING_SECRET_KEY": OTHER}, {"TEMPLATES": templates()}, "W022", "the request"),
]
FIRING_ON_DEPLOY: list[Firing] = [
    ({}, {"ALLOWED_HOSTS": ["www.example.org", "localhost"]}, "W018", "(example.org)"),
]
SILENT: list[Silent] = [
    ({}, {"CONTENT_SECURITY_POLICY": {"DIRECTIVES": {"default-src": ["'self'"]}}}, "W017"),
    ({}, {"MIDDLEWARE": in_front(CSP), "CONTENT_SECURITY_POLICY": None}, "W017"),
    ({}, csp(csp_sources(METABASE)), "W017"),
    (
        {},
        {**csp({"default-src": ["'self'"]}), "ALLOWED_HOSTS": ["metabase.example.com"]},
        "W017",
    ),
    ({"INSTANCE_URL": ""}, csp({"default-src": ["'self'"]}), "W017"),
    ({}, {"ALLOWED_HOSTS": [".example.com"]}, "W018"),
    ({"EMBEDDING_SECRET_KEY": OTHER}, {}, "W022"),
    ({"EMBEDDING_SECRET_KEY": OTHER}, {"TEMPLATES": []}, "W022"),
    ({}, {"TEMPLATES": templates()}, "W022"),
    ({}, {"ALLOWED_HOSTS": ["*"]}, "W018"),
    ({"INSTANCE_URL": "http://localhost:3000"}, {"ALLOWED_HOSTS": ["127.0.0.1"]}, "W018"),
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


def test_every_id_fires() -> None:
    fired = {case[2] for case in FIRING + FIRING_ON_DEPLOY}
    assert written_ids("checks/pages.py") == fired
