"""Checks of pages that embed: what fires, what is silent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django
import pytest
from django.core.management import call_command
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
    messages,
    written_ids,
)
from tests.settings import EMBEDDING_SECRET as OTHER

CSP = "csp.middleware.CSPMiddleware"
MEMORY = "django.core.files.storage.InMemoryStorage"
WITHOUT_STATIC = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django_metabase_sso",
    "tests.accounts",
]


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


@pytest.fixture
def project(settings: Settings, tmp_path: Path) -> Path:
    """Give the project a template and a STATIC_ROOT; return their folder."""
    (tmp_path / "templates").mkdir()
    settings.TEMPLATES = [{**templates()[0], "DIRS": [str(tmp_path / "templates")]}]
    settings.STATIC_ROOT = str(tmp_path / "static")
    return tmp_path


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("{% metabase_config %}", "STATIC_ROOT lacks"),
        ("{%metabase_config theme=theme%}", "STATIC_ROOT lacks"),
        ("{% metabase_config inline=True %}", ""),
        ("{% metabase_dashboard 1 %}", ""),
    ],
)
def test_a_script_that_was_not_collected(project: Path, tag: str, words: str) -> None:
    (project / "templates" / "page.html").write_text(tag)
    assert "W033" not in messages()
    found = messages(deploy=True).get("W033")
    assert (found is not None) == bool(words)
    assert found is None or words in found.msg
    call_command("collectstatic", interactive=False, verbosity=0)
    assert "W033" not in messages(deploy=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"STATIC_ROOT": None}, "STATIC_ROOT is not set"),
        ({"INSTALLED_APPS": WITHOUT_STATIC}, "is not installed"),
        ({"WHITENOISE_USE_FINDERS": True}, ""),
        ({"STORAGES": {"staticfiles": {"BACKEND": MEMORY}}}, ""),
    ],
)
def test_where_the_script_is_served_from(
    project: Path, settings: Settings, changes: dict[str, Any], words: str
) -> None:
    (project / "templates" / "page.html").write_text("{% metabase_config %}")
    for name, value in changes.items():
        setattr(settings, name, value)
    found = messages(deploy=True).get("W033")
    assert (found is not None) == bool(words)
    assert found is None or words in found.msg


def test_every_id_fires() -> None:
    fired = {case[2] for case in FIRING + FIRING_ON_DEPLOY} | {"W033"}
    assert written_ids("checks/pages.py") == fired
