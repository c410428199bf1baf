"""Checks of users: their e-mail addresses, their groups, and the policy that lets them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.checks import CheckMessage, Tags
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections, transaction

from django_metabase_sso import claims
from django_metabase_sso.checks.messages import as_written, position_of, read, register
from django_metabase_sso.identity import uniqueness

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
def check_groups(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a GROUP_MAPPING that needs what is not there, or whose groups are dropped."""
    mapping = read("GROUP_MAPPING")
    is_dict = isinstance(mapping, Mapping)
    if (is_dict or mapping is claims.django_groups) and not hasattr(get_user_model(), "groups"):
        message = "METABASE_SSO['GROUP_MAPPING'] needs Django groups, but the user model has none."
        hint = "Use a callable: def groups_for(user, request): ..."
        yield checks.Error(message, hint, id="metabase_sso.E009")
    if not is_dict or read("ALLOW_ADMINISTRATORS") is not False:
        return
    for name, entry in mapping.items():
        for group in [entry] if isinstance(entry, str) else entry:
            if claims.is_privileged(group):
                message = (
                    f"METABASE_SSO['GROUP_MAPPING'] maps {name!r} to {group!r}, which is not sent"
                    " because ALLOW_ADMINISTRATORS is False."
                )
                hint = 'Remove it, or write "ALLOW_ADMINISTRATORS": True.'
                yield checks.Warning(message, hint, id="metabase_sso.W015")


@register(Tags.security)
def check_email(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report shared addresses that nothing stops, or that cannot be found."""
    field = uniqueness.email_field()
    is_required = read("REQUIRE_UNIQUE_EMAIL")
    is_unique = (field is not None and field.unique) or uniqueness.is_declared_unique()
    if is_required and field is None:
        message = "METABASE_SSO['REQUIRE_UNIQUE_EMAIL'] needs a user model with an e-mail column."
        hint = "Set EMAIL_FIELD on your user model to the name of that field."
        yield checks.Error(message, hint, id="metabase_sso.E027")
    elif is_required is False and not is_unique:
        yield checks.Warning(
            "METABASE_SSO['REQUIRE_UNIQUE_EMAIL'] is False, and addresses are not unique.",
            'Write "REQUIRE_UNIQUE_EMAIL": True. Metabase treats users who share an address as one'
            " user.",
            id="metabase_sso.W011",
        )


@register(Tags.security, deploy=True)
def check_email_index(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report that each token reads the whole table of users."""
    field = uniqueness.email_field()
    if not read("REQUIRE_UNIQUE_EMAIL") or field is None:
        return
    meta = field.model._meta  # noqa: SLF001
    is_stock = meta.label == "auth.User"
    has_index = is_stock and apps.is_installed(EMAIL_INDEX)
    if has_index or uniqueness.is_declared_unique() or uniqueness.is_indexed():
        return
    # Known without a connection; Django's models.W043 and W044 tell MariaDB from MySQL.
    if connections[uniqueness.home()].vendor == "mysql":
        hint = MARIADB_STOCK_INDEX if is_stock else MARIADB_INDEX
    else:
        hint = STOCK_INDEX if is_stock else OWN_INDEX
    message = "REQUIRE_UNIQUE_EMAIL queries the database, but the lower-case e-mail has no index."
    hint = hint.format(table=meta.db_table, name=field.name)
    yield checks.Warning(message, hint, id="metabase_sso.W012")


@register(Tags.database)
def check_shared_addresses(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> Iterator[CheckMessage]:
    """Report how many addresses several active users share, never which, and what hides some."""
    field = uniqueness.email_field()
    alias = uniqueness.home()
    if field is None or alias not in (databases or ()):
        return
    try:
        # `migrate` also runs this, before there is a table; a failed query ends a transaction.
        with transaction.atomic(using=alias):
            if field.model._meta.db_table not in connections[alias].introspection.table_names():  # noqa: SLF001
                return
            is_comparable = uniqueness.lowers_capital_i(field, alias)
            is_findable = uniqueness.is_findable()
            count = 0 if uniqueness.is_guaranteed() else len(uniqueness.shared_addresses())
    except DatabaseError as failure:
        message = f"The e-mail addresses could not be read ({type(failure).__name__})."
        hint = "Try again when the database is up, and migrated."
        yield checks.Warning(message, hint, id="metabase_sso.W027")
        return
    except ImproperlyConfigured:
        is_comparable, is_findable, count = True, False, 0
    if not is_findable and read("REQUIRE_UNIQUE_EMAIL"):
        yield checks.Error(uniqueness.INCOMPARABLE, ENCRYPTED, id="metabase_sso.E027")
    if not is_comparable:
        yield checks.Warning(TURKISH, TURKISH_HINT, id="metabase_sso.W028")
    if count:
        message = f"E-mail addresses that several active users share: {count}. Metabase treats"
        message += " these users as one."
        hint = "To see which: manage.py shell -c 'from django_metabase_sso.identity.uniqueness"
        hint += ' import shared_addresses; print(*shared_addresses(), sep="\\n")\''
        yield checks.Warning(message, hint, id="metabase_sso.W027")


@register(Tags.security, deploy=True)
def check_policy(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report that nobody said whether e-mail addresses can be trusted.

    The hint is what fits first: the addresses that allauth verified, the second factor, or trust.
    """
    if as_written("ACCESS_POLICY") is not None:
        return
    hint = (
        'If your site verifies e-mail addresses, write "ACCESS_POLICY":'
        ' "django_metabase_sso.policies.trust_emails". To protect the accounts of Metabase\'s'
        ' administrators, write "ACCESS_POLICY": deny_emails("*@corp.example").'
    )
    if apps.is_installed("allauth.account"):
        hint = (
            "django-allauth knows which addresses are verified. Write"
            ' "ACCESS_POLICY": "django_metabase_sso.contrib.allauth.require_verified_email".'
        )
    elif position_of("django_otp.middleware.OTPMiddleware") is not None:
        hint = (
            "Metabase does not ask for a second factor after JWT sign-in. If you verify addresses,"
            ' write "ACCESS_POLICY": "django_metabase_sso.policies.require_otp".'
        )
    message = (
        "METABASE_SSO['ACCESS_POLICY'] is not set: users who can edit their own e-mail address"
        " can sign in to Metabase as somebody else, even as an administrator."
    )
    yield checks.Warning(message, hint, id="metabase_sso.W013")
