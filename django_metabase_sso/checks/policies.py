"""Checks of what the project knows about its users, and does not ask."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.utils.module_loading import import_string

from django_metabase_sso.checks.messages import read, warning

OTP_MIDDLEWARE = "django_otp.middleware.OTPMiddleware"


@register(Tags.security, deploy=True)
def check_policy(**kwargs: Any) -> list[CheckMessage]:
    """Report that nobody said whether e-mail addresses can be trusted."""
    if read("ACCESS_POLICY"):
        return []
    return [
        warning(
            13,
            "METABASE_SSO['ACCESS_POLICY'] is not set: whoever can edit their own e-mail address"
            " here can become that person in Metabase, administrators included.",
            'If addresses are verified, write "ACCESS_POLICY":'
            ' "django_metabase_sso.policies.trust_emails"; to keep Metabase\'s administrators out'
            ' of reach, "ACCESS_POLICY": deny_emails("*@corp.example").',
        )
    ]


@register(Tags.security)
def check_allauth(**kwargs: Any) -> list[CheckMessage]:
    """Report that django-allauth knows whose address is verified, and nobody asks it."""
    if read("ACCESS_POLICY") or not apps.is_installed("allauth.account"):
        return []
    message = "METABASE_SSO['ACCESS_POLICY'] is not set: unverified addresses of allauth count."
    hint = 'Write "ACCESS_POLICY": "django_metabase_sso.contrib.allauth.require_verified_email".'
    return [warning(25, message, hint)]


@register(Tags.security)
def check_otp(**kwargs: Any) -> list[CheckMessage]:
    """Report a second factor that opens everything but Metabase."""
    if read("ACCESS_POLICY") or not any(map(_is_otp, settings.MIDDLEWARE)):
        return []
    message = "METABASE_SSO['ACCESS_POLICY'] is not set: nobody needs their second factor here."
    hint = (
        'Write "ACCESS_POLICY": "django_metabase_sso.policies.require_otp"; Metabase asks for no'
        " second factor after a JWT sign-in."
    )
    return [warning(26, message, hint)]


def _is_otp(path: str) -> bool:
    found = import_string(path)
    classes = found.__mro__ if isinstance(found, type) else ()
    return any(f"{entry.__module__}.{entry.__qualname__}" == OTP_MIDDLEWARE for entry in classes)
