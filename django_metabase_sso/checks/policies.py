"""Checks of what the project knows about its users, and does not ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage
from django.db import DatabaseError, connections, router, transaction
from django.utils.module_loading import import_string

from django_metabase_sso import uniqueness
from django_metabase_sso.checks.messages import read, warning

OTP_MIDDLEWARE = "django_otp.middleware.OTPMiddleware"


def check_allauth(**kwargs: Any) -> list[CheckMessage]:
    """Report that django-allauth knows whose address is verified, and nobody asks it."""
    if read("ACCESS_POLICY") or not apps.is_installed("allauth.account"):
        return []
    message = "METABASE_SSO['ACCESS_POLICY'] is not set: unverified addresses of allauth count."
    hint = 'Write "ACCESS_POLICY": "django_metabase_sso.contrib.allauth.require_verified_email".'
    return [warning(25, message, hint)]


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


def check_shared_addresses(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Report how many addresses several active users share; never which ones."""
    field = uniqueness.email_field()
    if field is None or uniqueness.is_guaranteed():
        return []
    alias = router.db_for_read(field.model)
    if alias not in (databases or ()):
        return []
    try:
        # `migrate` runs this, too, before there is a table; a failed query ends a transaction.
        with transaction.atomic(using=alias):
            if field.model._meta.db_table not in connections[alias].introspection.table_names():  # noqa: SLF001
                return []
            count = uniqueness.shared_addresses().count()
    except DatabaseError as failure:
        message = f"The e-mail addresses could not be read ({type(failure).__name__})."
        return [warning(27, message, "Try again when the database is up, and migrated.")]
    if not count:
        return []
    return [
        warning(
            27,
            f"Addresses that several active users share: {count}. To Metabase, those who share one"
            " are one person.",
            "To see which: manage.py shell -c 'from django_metabase_sso.uniqueness import"
            ' shared_addresses; print(*shared_addresses(), sep="\\n")\'',
        )
    ]


def _is_otp(path: str) -> bool:
    found = import_string(path)
    classes = found.__mro__ if isinstance(found, type) else ()
    return any(f"{entry.__module__}.{entry.__qualname__}" == OTP_MIDDLEWARE for entry in classes)
