"""Runs the steps of the doctor in order, and skips those that depend on a step that failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings

from django_metabase_sso.conf import conf
from django_metabase_sso.doctor import administrator, exchange, front, metabase, pages, site
from django_metabase_sso.doctor.metabase import Provider
from django_metabase_sso.doctor.proxies import Proxy
from django_metabase_sso.doctor.remote import Remote
from django_metabase_sso.doctor.report import Report
from django_metabase_sso.exceptions import BadSetting

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def known_origins() -> list[str]:
    """Return the origins in ALLOWED_ORIGINS without a wildcard, or none if it is invalid."""
    try:
        return [entry.text for entry in conf.ALLOWED_ORIGINS if not entry.wildcard]
    except BadSetting:
        return []


def examine(
    report: Report,
    origins: Sequence[str],
    user: AbstractBaseUser | None,
    timeout: float,
    proxy: Proxy | None = None,
) -> None:
    """Run all steps and report the findings.

    `origins` are the origins of pages that embed. `user` is signed in to Metabase; without a user,
    no account is created or changed there. `timeout` is in seconds for each request. `proxy` is
    used for requests to Metabase.
    """
    url = site.judge_settings(report)
    can_sign = report.step("secret-length", site.judge_secret)
    provider = remote = None
    if url is None:
        report.skipped("instance", "INSTANCE_URL cannot be read.")
    else:
        remote = _reach(report, Remote(url, timeout, proxy))
        if remote is not None:
            provider = _metabase(report, remote, origins, user, can_sign=bool(can_sign))
    twins: list[str] = []
    if isinstance(getattr(settings, "METABASE_SSO", None), dict):
        twins = _site(report, provider, origins)
    else:
        report.skipped("endpoint", "The settings do not have METABASE_SSO.")
    if remote is not None:
        for origin in (one for one in origins if one not in twins):
            report.step("frame", pages.judge_frames, remote, origin)
    report.finish()


def _reach(report: Report, remote: Remote) -> Remote | None:
    """Check Metabase's public endpoints. Return None if it does not answer."""
    properties = report.step("instance", metabase.reach, remote)
    if properties is None:
        because = "Metabase does not answer. This affects all other steps about it."
        report.skipped("sso", because)
        return None
    report.step("clock", metabase.compare_clocks, properties.answer)
    report.step("embedding-secret", metabase.compare_embedding_secrets, properties.remote)
    report.step("site-url", metabase.compare_addresses, properties)
    return properties.remote


def _metabase(
    report: Report,
    remote: Remote,
    origins: Sequence[str],
    user: AbstractBaseUser | None,
    *,
    can_sign: bool,
) -> Provider | None:
    """Check JWT sign-in, and return the Identity Provider URI."""
    for origin in origins:
        report.step("metabase-cors", pages.judge_metabase, remote, origin)
    uri = report.step("sso", metabase.discover, remote, embeds=bool(origins))
    if uri is None:
        report.skipped("secret", "JWT sign-in does not work in Metabase.")
        return None
    is_same = None
    if can_sign:
        is_same = report.step("secret", metabase.compare_secrets, remote)
    else:
        report.skipped("secret", "JWT_SHARED_SECRET cannot sign.")
    report.step("tenants", administrator.judge_tenants, remote)
    report.step("groups", administrator.judge_groups, remote, user)
    if user is not None:
        _exchange(report, remote, user, is_same=bool(is_same), embeds=bool(origins))
    return Provider(remote, uri)


def _exchange(
    report: Report, remote: Remote, user: AbstractBaseUser, *, is_same: bool, embeds: bool
) -> None:
    if not is_same:
        report.skipped("exchange", "Metabase does not accept tokens of this site: see above.")
    elif report.has("clock"):
        report.skipped("exchange", "The clocks differ too much for Metabase to accept a token.")
    elif settings_at_fault := report.faulty_settings():
        report.skipped("exchange", f"{settings_at_fault} has to be corrected first: see above.")
    elif report.has("tenants"):
        report.skipped("exchange", "Metabase refuses tokens with a tenant: see above.")
    else:
        report.step("exchange", exchange.sign_in, remote, user, embeds=embeds)


def _site(report: Report, provider: Provider | None, origins: Sequence[str]) -> list[str]:
    """Check this site. Without the Identity Provider URI, its address is a guess.

    Returns the origins that are this site under another name.
    """
    report.step("session", site.judge_sessions)
    address = None
    if provider is not None:
        address = report.step("identity-provider", site.judge_provider, provider)
    if address is None:
        address = report.step("endpoint", site.locate)
    works = address is not None and report.step("endpoint", site.judge_endpoint, address)
    found = _front(report, provider, address, works=bool(works))
    if address is None:
        return []
    is_at_fault = found == "wrong" or (address.is_known and report.has("identity-provider"))
    can_read = bool(works) and not is_at_fault
    twins = _pages(report, address, origins, works=can_read, is_silent=found == "silent")
    if provider is not None and address.is_known:
        report.step("setup", administrator.compare_settings, provider.remote, address)
    return twins


def _front(
    report: Report, provider: Provider | None, address: site.Address | None, *, works: bool
) -> front.Reached:
    """Check proxies and caches in front of the endpoint, and return what answers there."""
    found: front.Reached | None = None
    if provider is None or address is None or not address.is_known:
        report.skipped("cache", "The Identity Provider URI is not known, or not on this site.")
    elif report.has("identity-provider"):
        report.skipped("cache", "The Identity Provider URI has to be corrected first: see above.")
    elif not works:
        report.skipped("cache", "The sign-in endpoint itself does not work: see above.")
    else:
        found = report.step("cache", front.judge_caches, address, provider)
        if found == "site":
            report.step("static", front.judge_script, address, provider.remote.timeout)
    return found or "unknown"


def _pages(
    report: Report,
    address: site.Address,
    origins: Sequence[str],
    *,
    works: bool,
    is_silent: bool,
) -> list[str]:
    """Check CORS and the cookie, for pages of this site and of `origins`.

    `is_silent` means that nothing answers at the address, which is on this machine. Returns the
    origins that are this site under another name.
    """
    twins = []
    is_sent = report.step("cookie", site.judge_session_cookie, address)
    if not origins:
        why = "Pass --origin, or add the origins to METABASE_SSO['ALLOWED_ORIGINS']."
        report.skipped("cors", why)
    elif not works:
        why = "The sign-in endpoint does not work, or has no correct address: see above."
        report.skipped("cors", why)
    for origin in origins if works else ():
        relation = report.step("our-cors", pages.judge_ours, address, origin, is_silent=is_silent)
        if relation == "twin":
            twins.append(origin)
        elif is_sent and relation in {"own", "other"}:
            is_own = relation == "own"
            report.step("cookie", pages.judge_cookie, address, origin, is_own=is_own)
    return twins
