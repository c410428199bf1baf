"""Checks of users: their e-mail addresses, their groups, and the policy that lets them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.checks import CheckMessage, Tags
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections, transaction

from django_metabase_sso import claims
from django_metabase_sso.checks.messages import as_written, class_at, read, register
from django_metabase_sso.identity import uniqueness

OTP_MIDDLEWARE = "django_otp.middleware.OTPMiddleware"
EMAIL_INDEX = "django_metabase_sso.contrib.email_index"
STOCK_INDEX = f'Add "{EMAIL_INDEX}" to INSTALLED_APPS, and run: python manage.py migrate'
OWN_INDEX = """In the Meta of your user model (then run makemigrations and migrate):
    constraints = [models.UniqueConstraint(Lower("{name}"), name="{table}_{name}_lower_uniq")]
or, where addresses may be shared:
    indexes = [models.Index(Lower("{name}"), name="{table}_{name}_lower")]"""
# MariaDB has no index on an expression.
MARIADB_INDEX = """In your user model (then run makemigrations and migrate):
    {name}_lower = models.GeneratedField(
        expression=Lower("{name}"), output_field=models.EmailField(), db_persist=False,
        db_index=True,
    )"""
MARIADB_STOCK_INDEX = (
    "MariaDB cannot index this query in Django's own user model, so it reads the whole table: 6 ms"
    ' with 10,000 users. To accept that, write SILENCED_SYSTEM_CHECKS = ["metabase_sso.W012"].'
)
ENCRYPTED = (
    "No user gets a token. Keep the address in a column that is not encrypted; or, if something"
    ' else guarantees that no two users share an address, write "REQUIRE_UNIQUE_EMAIL": False.'
)
TURKISH = (
    "This database does not lower-case I to i. A constraint on LOWER(email) therefore accepts both"
    " Ida@ and ida@, and the query for shared addresses cannot use an index."
)
TURKISH_HINT = (
    'Write db_collation="C" (PostgreSQL) or db_collation="utf8mb4_general_ci" (MariaDB, MySQL)'
    " into the e-mail field, and migrate."
)


@register(Tags.security)
def check_groups(**kwargs: Any) -> list[CheckMessage]:
    """Report a GROUP_MAPPING that needs what is not there, or whose groups are dropped."""
    mapping = read("GROUP_MAPPING")
    found: list[CheckMessage] = []
    if (isinstance(mapping, Mapping) or mapping is claims.django_groups) and not hasattr(
        get_user_model(), "groups"
    ):
        message = "METABASE_SSO['GROUP_MAPPING'] needs Django groups, but the user model has none."
        found.append(
            checks.Error(
                message,
                "Use a callable: def groups_for(user, request): ...",
                id="metabase_sso.E009",
            )
        )
    if not isinstance(mapping, Mapping) or read("ALLOW_ADMINISTRATORS") is not False:
        return found
    for name, entry in mapping.items():
        for group in [entry] if isinstance(entry, str) else entry:
            if claims.is_privileged(group):
                message = (
                    f"METABASE_SSO['GROUP_MAPPING'] maps {name!r} to {group!r}, which is not sent"
                    " because ALLOW_ADMINISTRATORS is False."
                )
                hint = 'Remove it, or write "ALLOW_ADMINISTRATORS": True.'
                found.append(checks.Warning(message, hint, id="metabase_sso.W015"))
    return found


@register(Tags.security)
def check_email(**kwargs: Any) -> list[CheckMessage]:
    """Report shared addresses that nothing stops, or that cannot be found."""
    field = uniqueness.email_field()
    if read("REQUIRE_UNIQUE_EMAIL") and field is None:
        message = "METABASE_SSO['REQUIRE_UNIQUE_EMAIL'] needs a user model with an e-mail column."
        hint = "Set EMAIL_FIELD on your user model to the name of that field."
        return [checks.Error(message, hint, id="metabase_sso.E027")]
    if read("REQUIRE_UNIQUE_EMAIL") is not False or (field is not None and field.unique):
        return []
    if uniqueness.is_declared_unique():
        return []
    message = "METABASE_SSO['REQUIRE_UNIQUE_EMAIL'] is False, and addresses are not unique."
    hint = (
        'Write "REQUIRE_UNIQUE_EMAIL": True. Metabase treats users who share an address as one'
        " user."
    )
    return [checks.Warning(message, hint, id="metabase_sso.W011")]


@register(Tags.security, deploy=True)
def check_email_index(**kwargs: Any) -> list[CheckMessage]:
    """Report that each token reads the whole table of users."""
    field = uniqueness.email_field()
    if not read("REQUIRE_UNIQUE_EMAIL") or field is None:
        return []
    if uniqueness.is_declared_unique() or uniqueness.is_indexed():
        return []
    is_stock = field.model._meta.label == "auth.User"  # noqa: SLF001
    if is_stock and apps.is_installed(EMAIL_INDEX):
        return []
    # Known without a connection; Django's models.W043 and W044 tell MariaDB from MySQL.
    if connections[uniqueness.home()].vendor == "mysql":
        hint = MARIADB_STOCK_INDEX if is_stock else MARIADB_INDEX
    else:
        hint = STOCK_INDEX if is_stock else OWN_INDEX
    message = "REQUIRE_UNIQUE_EMAIL queries the database, but the lower-case e-mail has no index."
    names = {"table": field.model._meta.db_table, "name": field.name}  # noqa: SLF001
    return [checks.Warning(message, hint.format(**names), id="metabase_sso.W012")]


@register(Tags.database)
def check_shared_addresses(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Report how many addresses several active users share, never which, and what hides some."""
    field = uniqueness.email_field()
    if field is None:
        return []
    alias = uniqueness.home()
    if alias not in (databases or ()):
        return []
    try:
        # `migrate` also runs this, before there is a table; a failed query ends a transaction.
        with transaction.atomic(using=alias):
            if field.model._meta.db_table not in connections[alias].introspection.table_names():  # noqa: SLF001
                return []
            is_comparable = uniqueness.lowers_capital_i(field, alias)
            is_findable = uniqueness.is_findable()
            count = 0 if uniqueness.is_guaranteed() else len(uniqueness.shared_addresses())
    except DatabaseError as failure:
        message = f"The e-mail addresses could not be read ({type(failure).__name__})."
        hint = "Try again when the database is up, and migrated."
        return [checks.Warning(message, hint, id="metabase_sso.W027")]
    except ImproperlyConfigured:
        is_comparable, is_findable, count = True, False, 0
    found: list[CheckMessage] = []
    if not is_findable and read("REQUIRE_UNIQUE_EMAIL"):
        found.append(checks.Error(uniqueness.INCOMPARABLE, ENCRYPTED, id="metabase_sso.E027"))
    if not is_comparable:
        found.append(checks.Warning(TURKISH, TURKISH_HINT, id="metabase_sso.W028"))
    if count:
        message = f"E-mail addresses that several active users share: {count}. Metabase treats"
        hint = "To see which: manage.py shell -c 'from django_metabase_sso.identity.uniqueness"
        hint += ' import shared_addresses; print(*shared_addresses(), sep="\\n")\''
        found.append(
            checks.Warning(f"{message} these users as one.", hint, id="metabase_sso.W027")
        )
    return found


@register(Tags.security, deploy=True)
def check_policy(**kwargs: Any) -> list[CheckMessage]:
    """Report that nobody said whether e-mail addresses can be trusted."""
    if as_written("ACCESS_POLICY") is not None:
        return []
    message = (
        "METABASE_SSO['ACCESS_POLICY'] is not set: users who can edit their own e-mail address"
        " can sign in to Metabase as somebody else, even as an administrator."
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
            "Metabase does not ask for a second factor after JWT sign-in. If you verify addresses,"
            ' write "ACCESS_POLICY": "django_metabase_sso.policies.require_otp".'
        )
    return (
        'If your site verifies e-mail addresses, write "ACCESS_POLICY":'
        ' "django_metabase_sso.policies.trust_emails". To protect the accounts of Metabase\'s'
        ' administrators, write "ACCESS_POLICY": deny_emails("*@corp.example").'
    )


def _is_otp(path: str) -> bool:
    classes = class_at(path).__mro__
    return any(f"{entry.__module__}.{entry.__qualname__}" == OTP_MIDDLEWARE for entry in classes)
