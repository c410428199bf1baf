"""Runs the steps of the doctor in order, and skips those that depend on a step that failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings

from django_metabase_sso.conf import conf
from django_metabase_sso.doctor import administrator, exchange, front, metabase, pages, site
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
    can_sign = False
    with report.step("secret-length"):
        can_sign = site.judge_secret(report)
    uri = remote = None
    if url is None:
        report.skipped("instance", "INSTANCE_URL cannot be read.")
    else:
        remote = _reach(report, Remote(url, timeout, proxy))
        if remote is not None:
            uri = _metabase(report, remote, origins, user, can_sign=can_sign)
    twins: list[str] = []
    if isinstance(getattr(settings, "METABASE_SSO", None), dict):
        twins = _site(report, uri, origins, timeout, proxy)
    else:
        report.skipped("endpoint", "The settings do not have METABASE_SSO.")
    if remote is not None:
        for origin in (one for one in origins if one not in twins):
            with report.step("frame"):
                pages.judge_frames(report, remote, origin)
    report.finish()


def _reach(report: Report, remote: Remote) -> Remote | None:
    """Check Metabase's public endpoints. Return None if it does not answer."""
    properties = None
    with report.step("instance"):
        properties = metabase.reach(report, remote)
    if properties is None:
        because = "Metabase does not answer. This affects all other steps about it."
        report.skipped("sso", because)
        return None
    remote = properties.remote
    with report.step("clock"):
        metabase.compare_clocks(report, properties.answer)
    with report.step("embedding-secret"):
        metabase.compare_embedding_secrets(report, remote)
    with report.step("site-url"):
        metabase.compare_addresses(report, properties)
    return remote


def _metabase(
    report: Report,
    remote: Remote,
    origins: Sequence[str],
    user: AbstractBaseUser | None,
    *,
    can_sign: bool,
) -> tuple[str, str] | None:
    """Check JWT sign-in. Return the Identity Provider URI, and where it is set in Metabase."""
    for origin in origins:
        with report.step("metabase-cors"):
            pages.judge_metabase(report, remote, origin)
    uri = None
    with report.step("sso"):
        uri = metabase.discover(report, remote, embeds=bool(origins))
    if uri is None:
        report.skipped("secret", "JWT sign-in does not work in Metabase.")
        return None
    is_same = False
    if can_sign:
        with report.step("secret"):
            is_same = metabase.compare_secrets(report, remote)
    else:
        report.skipped("secret", "JWT_SHARED_SECRET cannot sign.")
    with report.step("tenants"):
        administrator.judge_tenants(report, remote)
    with report.step("groups"):
        administrator.judge_groups(report, remote, user)
    if user is not None:
        _exchange(report, remote, user, is_same=is_same, embeds=bool(origins))
    field = f"{metabase.pages_of(remote.version).jwt} > JWT Identity Provider URI"
    return uri, field


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
        with report.step("exchange"):
            exchange.sign_in(report, remote, user, embeds=embeds)


def _site(
    report: Report,
    uri: tuple[str, str] | None,
    origins: Sequence[str],
    timeout: float,
    proxy: Proxy | None,
) -> list[str]:
    """Check this site. Without the Identity Provider URI, its address is a guess.

    Returns the origins that are this site under another name.
    """
    with report.step("session"):
        site.judge_sessions(report)
    address = None
    if uri is not None:
        with report.step("identity-provider"):
            address = site.judge_provider(report, *uri)
    if address is None:
        with report.step("endpoint"):
            address = site.locate(report)
    if address is None:
        report.skipped("cache", "The Identity Provider URI is not known, or not on this site.")
        return []
    works = False
    with report.step("endpoint"):
        works = site.judge_endpoint(report, address)
    found = _front(report, uri, address, timeout, works=works)
    is_at_fault = found == "wrong" or (address.is_known and report.has("identity-provider"))
    twins = _pages(
        report, address, origins, works=works and not is_at_fault, is_silent=found == "silent"
    )
    if uri is not None and address.is_known:
        with report.step("setup"):
            administrator.compare_settings(report, address.origin, address.path, timeout, proxy)
    return twins


def _front(
    report: Report,
    uri: tuple[str, str] | None,
    address: site.Address,
    timeout: float,
    *,
    works: bool,
) -> front.Reached:
    """Check proxies and caches in front of the endpoint, and return what answers there."""
    found: front.Reached = "unknown"
    if uri is None or not address.is_known:
        report.skipped("cache", "The Identity Provider URI is not known, or not on this site.")
    elif report.has("identity-provider"):
        report.skipped("cache", "The Identity Provider URI has to be corrected first: see above.")
    elif not works:
        report.skipped("cache", "The sign-in endpoint itself does not work: see above.")
    else:
        with report.step("cache"):
            found = front.judge_caches(report, address, *uri, timeout)
        if found == "site":
            with report.step("static"):
                front.judge_script(report, address, timeout)
    return found


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
    is_sent = False
    with report.step("cookie"):
        is_sent = site.judge_session_cookie(report, address)
    if not origins:
        why = "Pass --origin, or add the origins to METABASE_SSO['ALLOWED_ORIGINS']."
        report.skipped("cors", why)
    elif not works:
        report.skipped(
            "cors", "The sign-in endpoint does not work, or has no correct address: see above."
        )
    for origin in origins if works else ():
        relation = None
        with report.step("our-cors"):
            relation = pages.judge_ours(report, address, origin, is_silent=is_silent)
        if relation == "twin":
            twins.append(origin)
        if not is_sent or relation not in {"own", "other"}:
            continue
        with report.step("cookie"):
            pages.judge_cookie(report, address, origin, is_own=relation == "own")
    return twins
