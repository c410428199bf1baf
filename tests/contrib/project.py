"""The settings of a project that has django-allauth, REST framework and django-otp."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings

APPS = [
    *django_settings.INSTALLED_APPS,
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "dj_rest_auth",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django.contrib.admin",  # where django-loginas writes what it did
    "django_su",
    "loginas",
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
        "django_su.backends.SuBackend",
    ],
    "ACCOUNT_SIGNUP_FIELDS": ["username*", "email*", "password1*"],
    "ACCOUNT_EMAIL_VERIFICATION": "optional",
    "ACCOUNT_RATE_LIMITS": False,
}
