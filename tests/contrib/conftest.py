"""The settings of a project with django-allauth, REST framework, dj-rest-auth and django-otp."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import override_settings
from pytest_django import DjangoDbBlocker, Settings

APPS = [
    *django_settings.INSTALLED_APPS,
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "dj_rest_auth",
    "django_otp",
    "django_otp.plugins.otp_static",
    "rest_framework",
]
OTHERS: dict[str, Any] = {
    # Before INSTALLED_APPS: allauth refuses to start without its middleware.
    "MIDDLEWARE": [
        *django_settings.MIDDLEWARE,
        "django_otp.middleware.OTPMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    "INSTALLED_APPS": APPS,
    "ROOT_URLCONF": "tests.contrib.urls",
    "AUTHENTICATION_BACKENDS": [
        "django.contrib.auth.backends.ModelBackend",
        "allauth.account.auth_backends.AuthenticationBackend",
    ],
    "ACCOUNT_SIGNUP_FIELDS": ["username*", "email*", "password1*"],
    "ACCOUNT_EMAIL_VERIFICATION": "optional",
    "ACCOUNT_RATE_LIMITS": False,
}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Make the tables of the other apps, too; outside these tests nothing knows of them."""
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
