"""Checks of users: their e-mail addresses, their groups, and the policy that lets them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.checks import CheckMessage, Tags
from django.db import DatabaseError, connections, router, transaction

from django_metabase_sso import claims
from django_metabase_sso.checks.messages import as_written, class_at, read, register
from django_metabase_sso.identity import uniqueness

OTP_MIDDLEWARE = "django_otp.middleware.OTPMiddleware"
MIGRATION = """For a user model of your own, in its Meta (then run makemigrations):
    constraints = [models.UniqueConstraint(Lower("{column}"), name="{table}_{column}_lower_uniq")]
or, on MariaDB and on MySQL before 8.0.13, which have neither:
    {column} = models.EmailField(unique=True, db_collation="utf8mb4_general_ci")
or, where addresses may be shared:
    indexes = [models.Index(Lower("{column}"), name="{table}_{column}_lower")]
For a user model that is not yours, a migration in one of your apps, and this check's id in\
 SILENCED_SYSTEM_CHECKS:
    operations = [
        migrations.RunSQL(
            "CREATE INDEX {table}_{column}_lower ON {table} (LOWER({column}))",
            "DROP INDEX {table}_{column}_lower",
        )
    ]"""


@register(Tags.security)
def check_groups(**kwargs: Any) -> list[CheckMessage]:
    """Report a GROUP_MAPPING that needs what is not there, or whose groups are dropped."""
    mapping = read("GROUP_MAPPING")
    found: list[CheckMessage] = []
    if (isinstance(mapping, Mapping) or mapping is claims.django_groups) and not hasattr(
        get_user_model(), "groups"
    ):
        message = "METABASE_SSO['GROUP_MAPPING'] needs Django groups; the user model has none."
        found.append(
            checks.Error(
                message,
                "Use a callable: def groups_for(user, request): ...",
                id="metabase_sso.E026",
            )
        )
    if not isinstance(mapping, Mapping) or read("ALLOW_ADMINISTRATORS") is not False:
        return found
    for name, entry in mapping.items():
        for group in [entry] if isinstance(entry, str) else entry:
            if claims.is_privileged(group):
                message = f"METABASE_SSO['GROUP_MAPPING']: {group!r} (for {name!r}) is never sent."
                hint = 'Leave it out, or write "ALLOW_ADMINISTRATORS": True.'
                found.append(checks.Warning(message, hint, id="metabase_sso.W015"))
    return found


@register(Tags.security)
def check_email(**kwargs: Any) -> list[CheckMessage]:
    """Report shared addresses that nothing stops, or that cannot be found."""
    field = uniqueness.email_field()
    if read("REQUIRE_UNIQUE_EMAIL") and field is None:
        message = "METABASE_SSO['REQUIRE_UNIQUE_EMAIL'] needs an e-mail address in a column."
        hint = "Set EMAIL_FIELD on your user model to the name of that field."
        return [checks.Error(message, hint, id="metabase_sso.E027")]
    if read("REQUIRE_UNIQUE_EMAIL") is not False or (field is not None and field.unique):
        return []
    if uniqueness.is_guaranteed():
        return []
    message = "METABASE_SSO['REQUIRE_UNIQUE_EMAIL'] is off, and addresses are not unique."
    hint = 'Write "REQUIRE_UNIQUE_EMAIL": True: two users with one address are one in Metabase.'
    return [checks.Warning(message, hint, id="metabase_sso.W011")]


@register(Tags.security, deploy=True)
def check_email_index(**kwargs: Any) -> list[CheckMessage]:
    """Report that each token reads the whole table of users."""
    field = uniqueness.email_field()
    if not read("REQUIRE_UNIQUE_EMAIL") or field is None:
        return []
    if uniqueness.is_guaranteed() or uniqueness.is_indexed():
        return []
    table = field.model._meta.db_table  # noqa: SLF001
    message = (
        "REQUIRE_UNIQUE_EMAIL asks the database, which has no index on the lower-case e-mail."
    )
    return [
        checks.Warning(
            message, MIGRATION.format(table=table, column=field.column), id="metabase_sso.W012"
        )
    ]


@register(Tags.database)
def check_shared_addresses(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Report how many addresses several active users share, never which, and what hides some."""
    field = uniqueness.email_field()
    if field is None:
        return []
    alias = router.db_for_read(field.model)
    if alias not in (databases or ()):
        return []
    try:
        # `migrate` runs this, too, before there is a table; a failed query ends a transaction.
        with transaction.atomic(using=alias):
            if field.model._meta.db_table not in connections[alias].introspection.table_names():  # noqa: SLF001
                return []
            is_comparable = uniqueness.is_comparable(field)
            count = 0 if uniqueness.is_guaranteed() else uniqueness.shared_addresses().count()
    except DatabaseError as failure:
        message = f"The e-mail addresses could not be read ({type(failure).__name__})."
        return [
            checks.Warning(
                message, "Try again when the database is up, and migrated.", id="metabase_sso.W027"
            )
        ]
    found: list[CheckMessage] = []
    if not is_comparable:
        message = "To the database's language, I is not the capital of i, so Ida@ is not ida@."
        hint = 'Write db_collation="C" (PostgreSQL) or one like "utf8mb4_general_ci" (MySQL) into'
        found.append(
            checks.Warning(
                message, f"{hint} the e-mail field, and migrate.", id="metabase_sso.W028"
            )
        )
    if count:
        message = f"Addresses that several active users share: {count}. To Metabase, those who"
        hint = "To see which: manage.py shell -c 'from django_metabase_sso.identity.uniqueness"
        hint += ' import shared_addresses; print(*shared_addresses(), sep="\\n")\''
        found.append(
            checks.Warning(f"{message} share one are one person.", hint, id="metabase_sso.W027")
        )
    return found


@register(Tags.security, deploy=True)
def check_policy(**kwargs: Any) -> list[CheckMessage]:
    """Report that nobody said whether e-mail addresses can be trusted."""
    if as_written("ACCESS_POLICY") is not None:
        return []
    message = (
        "METABASE_SSO['ACCESS_POLICY'] is not set: anybody who can edit their own e-mail address"
        " here can become that person in Metabase, administrators included."
    )
    return [checks.Warning(message, _policy_hint(), id="metabase_sso.W013")]


def _policy_hint() -> str:
    """Return what fits first: the addresses that allauth verified, the second factor, or trust."""
    if apps.is_installed("allauth.account"):
        return (
            "django-allauth knows which addresses are verified. Write"
            ' "ACCESS_POLICY": "django_metabase_sso.contrib.allauth.require_verified_email".'
        )
    if any(map(_is_otp, settings.MIDDLEWARE)):
        return (
            "Metabase asks for no second factor after a JWT sign-in. If addresses are verified,"
            ' write "ACCESS_POLICY": "django_metabase_sso.policies.require_otp".'
        )
    return (
        'If addresses are verified, write "ACCESS_POLICY":'
        ' "django_metabase_sso.policies.trust_emails"; to keep Metabase\'s administrators out'
        ' of reach, "ACCESS_POLICY": deny_emails("*@corp.example").'
    )


def _is_otp(path: str) -> bool:
    classes = class_at(path).__mro__
    return any(f"{entry.__module__}.{entry.__qualname__}" == OTP_MIDDLEWARE for entry in classes)
