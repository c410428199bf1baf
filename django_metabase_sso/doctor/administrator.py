"""Steps that need API_KEY: Metabase's settings, tenants and groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django_metabase_sso import claims
from django_metabase_sso.conf import conf
from django_metabase_sso.doctor.remote import Remote
from django_metabase_sso.doctor.report import Report
from django_metabase_sso.doctor.site import Address
from django_metabase_sso.exceptions import MetabaseError, MetabaseRefused
from django_metabase_sso.troubleshooting import TENANTS_OFF, quoted

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from django.contrib.auth.base_user import AbstractBaseUser

    from django_metabase_sso.administration.api import Api


def judge_tenants(report: Report, remote: Remote) -> None:
    """Check whether tenants are on, before a user is signed in. This needs an API key."""
    if conf.TENANT is None:
        return
    if conf.API_KEY is not None:
        _ask_for_tenants(report, remote)
    elif remote.version is not None and remote.version <= 57:
        title = "If tenants are switched off in Metabase, users with a tenant become internal."
        cause = f"Metabase {remote.version} ignores the tenant of a token while tenants are off."
        cure = "Check Admin > People > Tenants before the first user signs in."
        report.warning("tenants", title, cause=cause, cure=cure)
    else:
        because = "Only an administrator can ask Metabase for this: set METABASE_SSO['API_KEY']."
        because += " While tenants are off, Metabase refuses tokens with a tenant (status 403)."
        report.skipped("tenants", because)


def _ask_for_tenants(report: Report, remote: Remote) -> None:
    try:
        with _opened(remote) as api:
            listed = {entry["key"]: entry for entry in api.get("/api/setting")}
    except MetabaseError as error:
        report.skipped("tenants", str(error))
        return
    if listed.get("use-tenants", {}).get("value"):
        report.ok("tenants", "Tenants are switched on in Metabase.")
    else:
        title = "METABASE_SSO['TENANT'] is set, but tenants are switched off in Metabase."
        report.fault("tenants", title, cause=TENANTS_OFF.cause, cure=TENANTS_OFF.cure)


def _opened(remote: Remote) -> AbstractContextManager[Api]:
    from django_metabase_sso.administration.api import opened

    proxy = remote.proxy
    named = None if proxy is None else (f"http://{proxy.host}", proxy.headers)
    return opened(remote.timeout, proxy=named)


def judge_groups(report: Report, remote: Remote, user: AbstractBaseUser | None) -> None:
    """Check whether Metabase synchronizes groups, and has all groups that are sent.

    A callable in GROUP_MAPPING is called with `user`. Without a user, only the names in a dict are
    known.
    """
    if conf.GROUP_MAPPING is None or conf.API_KEY is None:
        return
    from django_metabase_sso.administration import setup

    names = _names_of_groups(user)
    try:
        with _opened(remote) as api:
            settings = setup.listed(api)
            there = {group["name"] for group in api.get("/api/permissions/group")}
    except MetabaseError as error:
        report.skipped("groups", str(error))
        return
    if not settings.get("jwt-group-sync", {}).get("value"):
        title = "Metabase ignores the groups in tokens, because group synchronization is off."
        cause = "METABASE_SSO['GROUP_MAPPING'] is set, but users keep the groups that they have."
        cure = (
            "`manage.py metabase_sso setup --site ... --sync-groups` shows what would change, and"
        )
        cure += " switches it on with --apply. To manage groups in Metabase, remove GROUP_MAPPING."
        report.warning("groups", title, cause=cause, cure=cure)
        return
    mapped = settings.get("jwt-group-mappings", {}).get("value") or there
    missing = sorted(names - set(mapped))
    if missing:
        title = f"Metabase does not know these groups: {quoted(', '.join(missing))}."
        cause = (
            "METABASE_SSO['GROUP_MAPPING'] sends them, but Metabase drops them at each sign-in."
        )
        cure = "Create them under Admin > People > Groups (and, with manual mapping, map them),"
        cure += " or correct the names in GROUP_MAPPING, including upper and lower case."
        report.warning("groups", title, cause=cause, cure=cure)
    else:
        report.ok("groups", "Metabase synchronizes groups.")


def _names_of_groups(user: AbstractBaseUser | None) -> set[str]:
    """Return the known names that GROUP_MAPPING may send."""
    mapping = conf.GROUP_MAPPING
    if isinstance(mapping, Mapping):
        values = [[value] if isinstance(value, str) else value for value in mapping.values()]
        names = {name for value in values for name in value}
        return {
            name for name in names if conf.ALLOW_ADMINISTRATORS or not claims.is_privileged(name)
        }
    return set() if user is None else set(claims.metabase_groups(user, None) or ())


def compare_settings(report: Report, remote: Remote, address: Address) -> None:
    """Report what `setup` would change. This needs API_KEY."""
    if conf.API_KEY is None:
        return
    from django_metabase_sso.administration import setup

    site = address.origin
    try:
        with _opened(remote) as api:
            version = api.version()
            wants = setup.wanted(site, address.path, (), version, sync_groups=False)
            plan = setup.plan(api, version, wants, ())
    except MetabaseError as error:
        title = "Metabase's settings could not be read."
        cause, cure = str(error), "Correct METABASE_SSO['API_KEY']."
        if isinstance(error, MetabaseRefused) and error.cure:
            cause, cure = error.cause, error.cure
        report.warning("setup", title, cause=cause, cure=cure)
        return
    differing = [
        setting.key for setting in plan.settings if setting.state not in ("same", "unknown")
    ]
    if report.has("tenants") and "use-tenants" in differing:
        differing.remove("use-tenants")  # reported
    if differing:
        title = f"Metabase has other values for {', '.join(differing)}."
        cause = "METABASE_SSO needs other values, or the settings affect more than this site."
        cure = f"Run: manage.py metabase_sso setup --site {site} (add --apply to write them)."
        report.warning("setup", title, cause=cause, cure=cure)
    else:
        report.ok("setup", "Metabase has the settings that METABASE_SSO needs.")
    if "logout" in conf.END_ACCESS and version < setup.MODULAR:
        report.warning(
            "end-access",
            "Signing out of Django does not end the sessions in this Metabase.",
            cause=f"'logout' in END_ACCESS needs Metabase 65 or newer; this is {version}.",
            cure='Update Metabase, or remove "logout" from END_ACCESS.',
        )
