from __future__ import annotations

import sys

import pytest
from django.apps import apps
from django.contrib.auth.signals import user_logged_out
from pytest_django import Settings


def test_the_app_stores_nothing() -> None:
    config = apps.get_app_config("metabase_sso")
    assert config.name == "django_metabase_sso"
    assert list(config.get_models()) == []


def test_without_corsheaders(settings: Settings) -> None:
    settings.INSTALLED_APPS = [
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django_metabase_sso",
    ]
    assert not apps.is_installed("corsheaders")


def test_without_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_logged_out.disconnect(dispatch_uid="django_metabase_sso")
    config = apps.get_app_config("metabase_sso")
    with monkeypatch.context() as changed:
        changed.setitem(sys.modules, "httpx", None)
        config.ready()
        assert not user_logged_out.disconnect(dispatch_uid="django_metabase_sso")
    config.ready()
    config.ready()
    assert user_logged_out.disconnect(dispatch_uid="django_metabase_sso")
    assert not user_logged_out.disconnect(dispatch_uid="django_metabase_sso")
    config.ready()
