from __future__ import annotations

import pytest
from django.apps import apps
from django.core.management import call_command
from pytest_django import Settings


def test_the_app_stores_nothing() -> None:
    config = apps.get_app_config("metabase_sso")
    assert config.name == "django_metabase_sso"
    assert list(config.get_models()) == []


@pytest.mark.django_db
def test_no_model_lacks_a_migration() -> None:
    """Neither in an app that users install, nor in the tests."""
    call_command("makemigrations", check=True, dry_run=True)


def test_without_corsheaders(settings: Settings) -> None:
    settings.INSTALLED_APPS = [
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django_metabase_sso",
    ]
    assert not apps.is_installed("corsheaders")
