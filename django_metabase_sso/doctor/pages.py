"""Steps about pages of one origin that embed: CORS, cookies and frames."""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.http.response import HttpResponseBase

from django_metabase_sso.checks.project import ACROSS_SITES
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import (
    CURRENT_USER,
    SESSION_HEADER,
    SIGN_OUT,
    matches_any,
    site_of,
)
from django_metabase_sso.doctor import site
from django_metabase_sso.doctor.metabase import pages_of
from django_metabase_sso.doctor.remote import Answer, Remote
from django_metabase_sso.doctor.report import Report
from django_metabase_sso.doctor.site import Address
from django_metabase_sso.troubleshooting import quoted

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
Relation = Literal["own", "twin", "other", "unknown"]
ALLOWED: Final = "Access-Control-Allow-Origin"
THIRD_PARTY: Final = (
    "Safari blocks third-party cookies. Firefox stores them separately for each site that embeds."
    " In Chromium, it depends on the settings."
)
OTHER_SITE: Final = (
    "They are on two sites. In Safari, the frame asks users to sign in again and again. In Firefox"
    " and Chromium, the frame stays blank if the browser's settings block third-party cookies."
)
MIDDLEWARE: Final = (
    "Put django_metabase_sso.middleware.SSOCorsMiddleware and"
    " corsheaders.middleware.CorsMiddleware first in MIDDLEWARE, in this order."
)


def judge_metabase(report: Report, remote: Remote, origin: str) -> None:
    """Send the preflight of a page of `origin` to Metabase's API.

    Other requests prove nothing: some answers of /auth/sso have the header for all origins.
    """
    if origin == remote.instance.origin:
        report.ok("metabase-cors", f"{origin} is Metabase's own origin.")
        return
    headers = _preflight(origin, SESSION_HEADER.lower())
    answer = remote.ask("OPTIONS", CURRENT_USER, headers, may_redirect=True)
    problem = _preflight_problem(origin, answer)
    if problem:
        title = f"Metabase does not let pages of {origin} read its answers."
        field = pages_of(remote.version).origins
        cure = f"In Metabase, add {origin} to {field}. A proxy in front of it must forward OPTIONS"
        cure += " requests and the CORS headers."
        report.fault("metabase-cors", title, cause=problem, cure=cure)
    else:
        report.ok("metabase-cors", f"Metabase lets pages of {origin} read its answers (CORS).")


def _preflight_problem(origin: str, answer: Answer) -> str:
    if answer.header(ALLOWED) not in {origin, "*"}:
        return f"The answer to a preflight (OPTIONS {CURRENT_USER}) lacks {ALLOWED} for it."
    if not _names(answer.header("Access-Control-Allow-Headers"), SESSION_HEADER):
        return f"The answer to a preflight (OPTIONS) does not allow {SESSION_HEADER}."
    if not 200 <= answer.status < 300:
        return f"The answer to a preflight (OPTIONS) has status {answer.status}."
    return ""


def judge_frames(report: Report, remote: Remote, origin: str) -> None:
    """Check whether pages of `origin` may show Metabase in a frame.

    If the start page redirects to the sign-in, the sign-out page is read instead. Only its script
    would end a session, and the doctor does not run it.
    """
    html = {"Accept": "text/html"}
    answer = remote.ask("GET", "/", html, may_redirect=True)
    if 300 <= answer.status < 400:
        answer = remote.ask("GET", SIGN_OUT, html, may_redirect=True)
    sources = _ancestors(answer)
    field = pages_of(remote.version).frames
    if sources is None or _covers(sources, origin, remote.instance.origin):
        title = f"Pages of {origin} may show Metabase in a full-app frame."
        is_site = site_of(urlsplit(origin).netloc) == site_of(remote.instance.host)
        report.ok("frame", title, "" if is_site else OTHER_SITE)
    elif sources in ([], ["'none'"]):
        because = "Full-app embedding is switched off in Metabase. To use {% metabase_iframe %},"
        because += f" switch it on and add {origin} to {field}."
        report.skipped("frame", because, f" on pages of {origin}")
    else:
        title = f"Full-app frames on pages of {origin} stay blank."
        cause = (
            f"Metabase sends the header frame-ancestors {quoted(' '.join(sources))}. The SDK and"
        )
        cause += " web components do not need it."
        cure = f"To use {{% metabase_iframe %}}, add {origin} to {field} in Metabase."
        report.warning("frame", title, cause=cause, cure=cure)


def _ancestors(answer: Answer) -> list[str] | None:
    """Return the `frame-ancestors`, [] for X-Frame-Options: DENY, or None without a limit."""
    for header in answer.headers.get_all("Content-Security-Policy", []):
        for directive in str(header).replace(",", ";").split(";"):
            name, *sources = directive.split() or [""]
            if name.lower() == "frame-ancestors":
                return sources
    return [] if answer.header("X-Frame-Options").upper() == "DENY" else None


def _covers(sources: list[str], origin: str, own: str) -> bool:
    """Return approximately whether a source list of a Content-Security-Policy has an origin."""
    page = urlsplit(origin)
    for source in map(str.lower, sources):
        if source in {"*", f"{page.scheme}:"} or (source == "'self'" and origin == own):
            return True
        scheme, _, host = source.rpartition("://")
        host, _, port = host.rstrip("/").partition(":")
        is_scheme = scheme in {"", page.scheme} or (scheme, page.scheme) == ("http", "https")
        is_port = port in {"*", str(page.port or "")}
        name = page.hostname or ""
        is_host = host == name or (host[:2] == "*." and name.endswith(host[1:]))
        if is_scheme and is_port and is_host:
            return True
    return False


def judge_ours(
    report: Report, address: Address, origin: str, *, is_silent: bool = False
) -> Relation:
    """Ask this site whether a page of `origin` may read a token, and return how they are related.

    "twin": it differs from this site only in its scheme or its loopback name. "unknown": it may be
    this site's own origin. A preflight is only needed for requests with an Authorization header.
    """
    if _is_own(report, address, origin):
        return "own"
    if _is_twin(report, address, origin):
        return "twin"
    response = site.ask(address, "GET", {"Origin": origin}).response
    if response.status_code == 403:
        because = _doubt(report, address, origin, is_silent=is_silent)
        if because:
            report.skipped("our-cors", because, f": pages of {origin}")
            return "unknown"
        title = f"This site does not let pages of {origin} read a token."
        cause = "The origin is not in METABASE_SSO['ALLOWED_ORIGINS']."
        cure = f'Add "{origin}" to METABASE_SSO["ALLOWED_ORIGINS"].'
        report.fault("our-cors", title, cause=cause, cure=cure)
    else:
        _judge_headers(report, address, origin, response)
    return "other"


def _judge_headers(
    report: Report, address: Address, origin: str, response: HttpResponseBase
) -> None:
    """Check the CORS headers of an answer to an allowed origin, and of a preflight."""
    preflight = site.ask(address, "OPTIONS", _preflight(origin, "authorization")).response
    closed = _closed(origin, response, preflight)
    if report.has("metabase_sso.E022"):
        report.skipped("our-cors", "See metabase_sso.E022 above.", f": pages of {origin}")
    elif closed:
        title = f"Pages of {origin} cannot read the answers of the sign-in endpoint."
        cause = (
            f"The answer to {closed} lacks the CORS headers, because a middleware answers first."
        )
        report.fault("our-cors", title, cause=cause, cure=MIDDLEWARE)
    elif _names(preflight.get("Access-Control-Allow-Headers", ""), "authorization"):
        report.ok("our-cors", f"This site lets pages of {origin} read a token (CORS).")
    else:
        add = report.fault if conf.AUTHENTICATE else report.warning
        title = f"Pages of {origin} may not send an Authorization header to this site."
        cause = "CORS_ALLOW_HEADERS lacks 'authorization'. Session cookies work without it."
        add("our-cors", title, cause=cause, cure='Add "authorization" to CORS_ALLOW_HEADERS.')


def _doubt(report: Report, address: Address, origin: str, *, is_silent: bool) -> str:
    """Return why an origin that is not in ALLOWED_ORIGINS may be this site's own origin."""
    if not address.is_known and report.has("identity-provider"):
        return "This site's own address is not known without a correct Identity Provider URI."
    if is_silent and _is_same_host(urlsplit(origin), urlsplit(address.origin)):
        return "It may be this site's own origin: nothing answers at the Identity Provider URI."
    return ""


def _is_own(report: Report, address: Address, origin: str) -> bool:
    """Report an origin that is or can be this site's own, whose pages do not need CORS."""
    if address.is_known and origin == address.origin:
        report.ok("our-cors", f"{origin} is this site's own origin.")
        return True
    if matches_any(origin, conf.ALLOWED_ORIGINS):
        return False
    page, hosts = urlsplit(origin), site.allowed_hosts()
    if address.is_known:  # then only another host name can be this site's own, not another port
        if _is_same_host(page, urlsplit(address.origin)):
            return False
        hosts = [entry for entry in hosts if not entry.startswith((".", "*"))]
    if not site.is_among(page.netloc, hosts):
        return False
    cause = "Its host is in ALLOWED_HOSTS, and pages of this site do not need CORS. If the origin"
    cause += " is a separate front end, add it to ALLOWED_ORIGINS."
    report.ok("our-cors", f"{origin} can be this site's own origin.", cause)
    return True


def _is_twin(report: Report, address: Address, origin: str) -> bool:
    """Report an origin that differs from this site's only in its scheme or its loopback name."""
    if not address.is_known:
        return False
    page, ours = urlsplit(origin), urlsplit(address.origin)
    if page.port != ours.port or not _is_same_host(page, ours):
        return False
    if page.scheme != ours.scheme:
        title = f"Pages of {origin} and the Identity Provider URI have different schemes."
        cause = f"The Identity Provider URI begins with {address.origin}."
        cure = f"Open https://{page.netloc}, and use https in the Identity Provider URI as well."
        if ours.hostname in LOOPBACK:
            cure = "In Metabase, set the Identity Provider URI to"
            cure += f" {page.scheme}://{ours.netloc}{address.path}."
        report.fault("our-cors", title, cause=cause, cure=cure)
        return True
    title = f"Browsers treat {origin} and {address.origin} as different sites."
    cause = "The Identity Provider URI has the other name, but a session cookie is for one name."
    report.warning("our-cors", title, cause=cause, cure=f"Open {address.origin} instead.")
    return True


def judge_cookie(report: Report, address: Address, origin: str, *, is_own: bool) -> None:
    """Check whether requests of a page send the session cookie: SameSite and the two sites."""
    sent = f"The session cookie is sent with requests from {origin}."
    if is_own:
        report.ok("cookie", sent)
        return
    if not address.is_known:
        because = "This site's own address is not known without a correct Identity Provider URI."
        report.skipped("cookie", because, f" and pages of {origin}")
        return
    same_site = str(settings.SESSION_COOKIE_SAMESITE or "").lower()
    title = f"The session cookie is not sent with requests from {origin}."
    page, ours = urlsplit(origin), urlsplit(address.origin)
    is_site = site_of(page.netloc) == site_of(ours.netloc)
    two = f"{origin} and {address.origin} are different sites to browsers"
    problem = None
    if same_site == "none" and not settings.SESSION_COOKIE_SECURE:
        cause = "SESSION_COOKIE_SAMESITE is 'None' and SESSION_COOKIE_SECURE is off."
        problem = f"{cause} Browsers ignore that cookie.", "Set SESSION_COOKIE_SECURE = True."
    elif is_site and page.scheme != ours.scheme and same_site != "none":
        cure = "Serve the pages and the endpoint over https."
        problem = f"{two}, because their schemes differ.", cure
    elif not is_site and same_site != "none":
        setting = f"SESSION_COOKIE_SAMESITE is {settings.SESSION_COOKIE_SAMESITE!r}."
        problem = f"{two}, and {setting}", ACROSS_SITES
    if problem:
        site.report_unsent(report, title, *problem)
    elif not is_site:
        title = f"Some browsers do not send the session cookie with requests from {origin}."
        report.warning("cookie", title, cause=f"{two}. {THIRD_PARTY}", cure=ACROSS_SITES)
    else:
        cause = ""
        if page.hostname != ours.hostname:
            cause = (
                f"This assumes that {site_of(page.netloc)} has one owner. Browsers decide it with"
            )
            cause += " the public suffix list."
        report.ok("cookie", sent, cause)


def _preflight(origin: str, header: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": header,
    }


def _names(listed: str, header: str) -> bool:
    """Return whether Access-Control-Allow-Headers lists a header or `*`."""
    names = {name.strip().lower() for name in listed.split(",")}
    return not names.isdisjoint({header.lower(), "*"})


def _closed(origin: str, answer: HttpResponseBase, preflight: HttpResponseBase) -> str:
    """Return which of this site's answers does not allow a request with cookies."""
    if not _lets_in(answer, origin):
        return "a request"
    if not _lets_in(preflight, origin):
        return "a preflight (OPTIONS)"
    if preflight.status_code != 200:
        return f"a preflight (OPTIONS), status {preflight.status_code},"
    return ""


def _lets_in(answer: HttpResponseBase, origin: str) -> bool:
    return (
        answer.get(ALLOWED) == origin and answer.get("Access-Control-Allow-Credentials") == "true"
    )


def _is_same_host(page: SplitResult, ours: SplitResult) -> bool:
    """Return whether two addresses have the same host name, or are both on this machine."""
    hosts = {page.hostname, ours.hostname}
    return len(hosts) == 1 or hosts <= LOOPBACK
