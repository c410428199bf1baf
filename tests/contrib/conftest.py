"""The settings of a project with django-allauth, REST framework, django-otp and others."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import override_settings
from pytest_django import DjangoDbBlocker, Settings

from tests.contrib.project import OTHERS


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Create the tables of the other apps as well, which only these tests use."""
    with (
        override_settings(MIDDLEWARE=OTHERS["MIDDLEWARE"]),  # allauth refuses to start without
        override_settings(INSTALLED_APPS=OTHERS["INSTALLED_APPS"]),
        django_db_blocker.unblock(),
    ):
        call_command("migrate", verbosity=0)


@pytest.fixture(autouse=True)
def project(settings: Settings, db: None) -> None:
    for name, value in OTHERS.items():
        setattr(settings, name, value)
