"""Checks of who is who: sign-in, e-mail addresses, groups, the access policy, the URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage
from django.shortcuts import resolve_url
from django.urls import (
    NoReverseMatch,
    Resolver404,
    URLResolver,
    get_resolver,
    get_script_prefix,
    resolve,
    reverse,
)

from django_metabase_sso import claims, uniqueness
from django_metabase_sso.checks.messages import error, position_of, read, warning

MIGRATION = """For a user model of your own, in its Meta (then run makemigrations):
    constraints = [models.UniqueConstraint(Lower("{column}"), name="{table}_{column}_lower_uniq")]
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


def check_login(**kwargs: Any) -> list[CheckMessage]:
    """Report a project in which nobody can be signed in."""
    needed = (SessionMiddleware, AuthenticationMiddleware)
    if read("AUTHENTICATE") or all(position_of(entry) is not None for entry in needed):
        return []
    return [
        error(
            25,
            "No request of this project has a user.",
            "Add SessionMiddleware and AuthenticationMiddleware to MIDDLEWARE, or set"
            " METABASE_SSO['AUTHENTICATE'].",
        )
    ]


def check_groups(**kwargs: Any) -> list[CheckMessage]:
    """Report a GROUP_MAPPING that needs what is not there, or whose groups are dropped."""
    mapping = read("GROUP_MAPPING")
    found: list[CheckMessage] = []
    if (isinstance(mapping, Mapping) or mapping is claims.django_groups) and not hasattr(
        get_user_model(), "groups"
    ):
        message = "METABASE_SSO['GROUP_MAPPING'] needs Django groups; the user model has none."
        found.append(error(26, message, "Use a callable: def groups_for(user, request): ..."))
    if not isinstance(mapping, Mapping) or read("ALLOW_ADMINISTRATORS"):
        return found
    for name, entry in mapping.items():
        for group in [entry] if isinstance(entry, str) else entry:
            if claims.is_privileged(group):
                message = f"METABASE_SSO['GROUP_MAPPING']: {group!r} (for {name!r}) is never sent."
                hint = 'Leave it out, or write "ALLOW_ADMINISTRATORS": True.'
                found.append(warning(15, message, hint))
    return found


def check_email(**kwargs: Any) -> list[CheckMessage]:
    """Report shared addresses that nothing stops, or that cannot be found."""
    field = uniqueness.email_field()
    if read("REQUIRE_UNIQUE_EMAIL") and field is None:
        message = "METABASE_SSO['REQUIRE_UNIQUE_EMAIL'] needs an e-mail address in a column."
        hint = "Set EMAIL_FIELD on your user model to the name of that field."
        return [error(27, message, hint)]
    if read("REQUIRE_UNIQUE_EMAIL") is not False or (field is not None and field.unique):
        return []
    if uniqueness.is_guaranteed():
        return []
    message = "METABASE_SSO['REQUIRE_UNIQUE_EMAIL'] is off, and addresses are not unique."
    hint = 'Write "REQUIRE_UNIQUE_EMAIL": True: two users with one address are one in Metabase.'
    return [warning(11, message, hint)]


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
            ' "django_metabase_sso.access.trust_emails"; to keep Metabase\'s administrators out of'
            ' reach, "ACCESS_POLICY": deny_emails("*@corp.example").',
        )
    ]


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
    return [warning(12, message, MIGRATION.format(table=table, column=field.column))]


def check_urls(**kwargs: Any) -> list[CheckMessage]:
    """Report that there is no such page."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    try:
        reverse("metabase_sso:sso")
    except NoReverseMatch:
        if not _has_view(get_resolver()):
            message = "The project's URLs do not include django_metabase_sso.urls."
            hint = 'Add to urlpatterns: path("sso/", include("django_metabase_sso.urls"))'
            return [warning(14, message, hint)]
    return []


def check_login_page(**kwargs: Any) -> list[CheckMessage]:
    """Report that there is no page to sign in at."""
    if not getattr(settings, "ROOT_URLCONF", None) or read("AUTHENTICATE"):
        return []
    login = read("LOGIN_URL")
    try:
        url = resolve_url(login) if login else "https://"
        if url.startswith(get_script_prefix()) and not url.startswith("//"):
            resolve("/" + urlsplit(url).path.removeprefix(get_script_prefix()))
    except (NoReverseMatch, Resolver404):
        message = f"Nobody can sign in: there is no page at LOGIN_URL, {login!r}."
        hint = (
            'Add path("accounts/", include("django.contrib.auth.urls")) and a template'
            " registration/login.html, or set LOGIN_URL to your login page."
        )
        return [warning(21, message, hint)]
    return []


def _has_view(resolver: URLResolver) -> bool:
    return any(
        _has_view(entry)
        if isinstance(entry, URLResolver)
        else getattr(entry.callback, "metabase_sso", False)
        for entry in resolver.url_patterns
    )
