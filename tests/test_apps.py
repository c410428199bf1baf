from __future__ import annotations

from django.apps import apps
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
