"""Does the session cookie travel when a page of an origin fetches a token?"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.utils.http import is_same_domain

from django_metabase_sso.checks.project import ACROSS_SITES
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import site_of
from django_metabase_sso.doctor.endpoint import Address
from django_metabase_sso.doctor.findings import Finding, Step
from django_metabase_sso.doctor.provider import is_local


def judge(address: Address, origin: str) -> Step[None]:
    """Judge by SameSite, Secure, Domain, and whether the two are one site."""
    problem = _unsent(address) or _unsent_across(address, origin)
    title = f"The session cookie does not go along from {origin}."
    if problem and conf.AUTHENTICATE:
        title += " METABASE_SSO['AUTHENTICATE'] may do without it."
        yield Finding("ok", "cookie", title)
    elif problem:
        yield Finding("fault", "cookie", title, *problem)
    elif _same_site(address, origin):
        yield Finding("ok", "cookie", f"The session cookie goes along from {origin}.")
    else:
        title = f"The session cookie goes along from {origin}, where third-party cookies may."
        cause = f"{origin} and {address.origin} are two sites: Safari, Firefox and others block."
        cure = "Serve both from one site, or send a header and set METABASE_SSO['AUTHENTICATE']."
        yield Finding("warning", "cookie", title, cause, cure)


def _unsent(address: Address) -> tuple[str, str] | None:
    """Return cause and cure of a cookie that no page's fetch brings."""
    secure = settings.SESSION_COOKIE_SECURE
    if secure and address.scheme == "http" and not is_local(address.host):
        cause = f"SESSION_COOKIE_SECURE is on, and {address.origin} is http."
        return cause, "Serve this site by https, and give Metabase that Identity Provider URI."
    host = urlsplit(address.origin).hostname or ""
    domain = (settings.SESSION_COOKIE_DOMAIN or "").lstrip(".").lower()
    if domain and not is_same_domain(host, f".{domain}"):
        cause = f"SESSION_COOKIE_DOMAIN is {domain}, and the endpoint is on {host}."
        return cause, "Set SESSION_COOKIE_DOMAIN to a domain that has both, or leave it out."
    return None


def _unsent_across(address: Address, origin: str) -> tuple[str, str] | None:
    """Return cause and cure of a cookie that does not travel from one site to the other."""
    same_site = settings.SESSION_COOKIE_SAMESITE
    if str(same_site).lower() == "none":
        if settings.SESSION_COOKIE_SECURE:
            return None
        cause = "SESSION_COOKIE_SAMESITE is 'None' and SESSION_COOKIE_SECURE is off."
        return f"{cause} Browsers drop that cookie.", "Set SESSION_COOKIE_SECURE = True."
    if _same_site(address, origin):
        return None
    cause = f"{origin} and {address.origin} are two sites"
    return f"{cause}, and SESSION_COOKIE_SAMESITE is {same_site!r}.", ACROSS_SITES


def _same_site(address: Address, origin: str) -> bool:
    """Whether browsers take both for one site: the scheme counts as well."""
    ours, theirs = urlsplit(address.origin), urlsplit(origin)
    return ours.scheme == theirs.scheme and site_of(ours.netloc) == site_of(theirs.netloc)
