"""Pages of one origin that embed: CORS on both sides, cookies, frames."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from tests.helpers.configure import Configure
from tests.helpers.reports import APP, Doctor
from tests.servers.answers import PROPERTIES, VERSION, Answered
from tests.servers.canned import Answers, Canned, fake
from tests.servers.ports import free_port
from tests.servers.site import Site, serving
from tests.servers.standin import Metabase


@pytest.fixture(autouse=True)
def nobody_there(configure: Configure) -> None:
    """Let Metabase be away where a test does not ask for it."""
    configure(INSTANCE_URL=f"http://localhost:{free_port()}")


@pytest.mark.parametrize(
    ("headers", "level"),
    [
        ({}, "ok"),
        ({"Content-Security-Policy": f"default-src 'none'; frame-ancestors 'self' {APP}"}, "ok"),
        ({"Content-Security-Policy": "frame-ancestors https://*.example.com"}, "ok"),
        ({"Content-Security-Policy": "frame-ancestors app.example.com:*"}, "ok"),
        ({"Content-Security-Policy": "frame-ancestors http://app.example.com/"}, "ok"),
        ({"Content-Security-Policy": "frame-ancestors https:"}, "ok"),
        ({"Content-Security-Policy": "frame-ancestors 'self' https://www.example.com"}, "warning"),
        ({"Content-Security-Policy": "frame-ancestors 'self'"}, "warning"),
        ({"Content-Security-Policy": "frame-ancestors https://app.example.com:8443"}, "warning"),
        ({"Content-Security-Policy": "frame-ancestors 'none'"}, "skipped"),
        ({"Content-Security-Policy": ";default-src 'none'", "X-Frame-Options": "DENY"}, "skipped"),
    ],
)
def test_frames(answered: Answered, headers: dict[str, str], level: str) -> None:
    answers = {PROPERTIES: VERSION, "GET /": Canned(headers=headers)}
    found = answered(answers, "--origin", APP)[0].one("frame")
    assert found["level"] == level
    if level != "ok":
        assert f"add {APP} to Admin > Embedding" in found["cause"] + found["cure"]


@pytest.mark.parametrize(
    ("origin", "words"),
    [("http://localhost:5173", ""), (APP, "Safari"), ("http://127.0.0.1:5173", "Firefox")],
)
def test_frames_on_another_site(answered: Answered, origin: str, words: str) -> None:
    found = answered({PROPERTIES: VERSION}, "--origin", origin)[0].one("frame")
    assert found["level"] == "ok"
    assert words in found["cause"]
    assert bool(words) == bool(found["cause"])


def test_frames_of_a_metabase_that_leads_to_the_sign_in(answered: Answered) -> None:
    """The answer of a redirect has no list; the page of the sign-out has one, for everybody."""
    listed = {"Content-Security-Policy": "frame-ancestors 'self'"}
    answers = {
        PROPERTIES: VERSION,
        "GET /": Canned(302, headers={"Location": "/auth/sso"}),
        "GET /auth/logout": Canned(headers=listed),
    }
    assert answered(answers, "--origin", APP)[0].level("frame") == "warning"


def test_frames_on_metabase_itself(doctor: Doctor, configure: Configure) -> None:
    answers: Answers = {PROPERTIES: VERSION}
    answers["GET /"] = Canned(headers={"Content-Security-Policy": "frame-ancestors 'self'"})
    with fake(answers) as server:
        configure(INSTANCE_URL=server.url)
        assert doctor("--origin", server.url).level("frame") == "ok"


def cors(*, allowed: str, headers: str, status: int = 200) -> Answers:
    named = {"Access-Control-Allow-Origin": allowed}
    return {
        PROPERTIES: VERSION,
        "GET /auth/sso": Canned(body={"method": "jwt"}, headers=named),
        "OPTIONS /api/user/current": Canned(
            status, headers={**named, "Access-Control-Allow-Headers": headers}
        ),
    }


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (cors(allowed="*", headers="*"), ""),
        (cors(allowed=APP, headers="Accept, X-Metabase-Session", status=204), ""),
        (cors(allowed=APP, headers="Accept"), "X-Metabase-Session"),
        (cors(allowed=APP, headers="*", status=405), "status 405"),
        (cors(allowed="https://other.example", headers="*"), "OPTIONS /api/user/current"),
        ({**cors(allowed=APP, headers="*"), "OPTIONS /api/user/current": Canned()}, "preflight"),
    ],
)
def test_cors_of_metabase(answered: Answered, answers: Answers, words: str) -> None:
    found = answered(answers, "--origin", APP)[0].one("metabase-cors")
    assert found["level"] == ("fault" if words else "ok")
    assert words in found["cause"]


LOCAL = "http://localhost:9"  # a port of no program: runserver may use 8000 meanwhile


@pytest.mark.parametrize(
    "change",
    [
        None,  # Metabase is down
        {"jwt_enabled": False},
        {"jwt_identity_provider_uri": ""},
        {"jwt_identity_provider_uri": "http://localhost:9/sso"},
        {"jwt_identity_provider_uri": "https://other.example/sso/metabase"},
    ],
)
@pytest.mark.parametrize("origin", [LOCAL, "http://127.0.0.1:9", "http://[::1]:9"])
def test_a_newcomer_whose_metabase_is_not_set_up(
    doctor: Doctor,
    metabase: Metabase,
    settings: Settings,
    configure: Configure,
    change: dict[str, Any] | None,
    origin: str,
) -> None:
    """No cure rests on the address that is not known: nothing about CORS and cookies."""
    settings.DEBUG, settings.ALLOWED_HOSTS = True, []
    if change is None:
        configure(INSTANCE_URL=f"http://localhost:{free_port()}")
    else:
        metabase.change(**change)
    report = doctor("--origin", origin)
    assert report.level("our-cors") == "ok"
    assert "ALLOWED_HOSTS" in report.one("our-cors")["cause"]
    assert report.level("cookie") == "ok"
    assert "SAMESITE" not in str(report.findings)


@pytest.mark.parametrize(
    ("uri", "origin", "level", "cure"),
    [
        (f"{LOCAL}/sso/metabase", LOCAL, "ok", ""),
        (f"{LOCAL}/sso/metabase", "http://127.0.0.1:9", "warning", f"Open {LOCAL} instead"),
        ("http://[::1]:9/sso/metabase", LOCAL, "warning", "Open http://[::1]:9 instead"),
        ("https://localhost:9/sso/metabase", LOCAL, "fault", f"{LOCAL}/sso/metabase."),
        (
            "https://127.0.0.1:9/sso/metabase",
            LOCAL,
            "fault",
            "http://127.0.0.1:9/sso/metabase.",
        ),
        (f"{LOCAL}/sso/metabase", "http://localhost:7", "skipped", ""),  # nothing runs there
        ("https://www.example.com/sso/metabase", "https://www.example.com", "ok", ""),
        ("https://www.example.com/sso/metabase", "https://example.com", "ok", ""),
        (
            "https://www.example.com/sso/metabase",
            "http://www.example.com",
            "fault",
            "Open https://www.example.com",
        ),
    ],
)
def test_origins_beside_our_own(
    doctor: Doctor,
    metabase: Metabase,
    settings: Settings,
    uri: str,
    origin: str,
    level: str,
    cure: str,
) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", "www.example.com", "example.com"]
    metabase.change(jwt_identity_provider_uri=uri)
    report = doctor("--origin", origin)
    found = report.one("our-cors")
    assert (found["level"], cure in found["cure"]) == (level, True)
    assert "SAMESITE" not in str(report.findings)
    assert "ALLOWED_ORIGINS" not in found["cure"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_another_port_beside_a_site_that_runs(
    doctor: Doctor, metabase: Metabase, host: str
) -> None:
    with serving(Site()) as site:
        metabase.change(jwt_identity_provider_uri=f"{site.url}/sso/metabase")
        origin = f"http://{host}:{free_port()}"
        found = doctor("--origin", origin).one("our-cors")
    assert found["level"] == "fault"
    assert found["cure"] == f'Add "{origin}" to METABASE_SSO["ALLOWED_ORIGINS"].'


def test_an_origin_beside_an_address_that_is_wrong(doctor: Doctor, metabase: Metabase) -> None:
    """It may be this site's own, so nothing is to be added anywhere."""
    metabase.change(jwt_identity_provider_uri="http://other.example/sso/metabase")
    report = doctor("--origin", "http://www.example.com")
    assert report.faults() == ["metabase-cors", "identity-provider"]
    assert report.level("our-cors") == "skipped"


def test_a_foreign_origin_of_a_site_whose_address_is_not_known(doctor: Doctor) -> None:
    report = doctor("--origin", APP)
    assert report.level("our-cors") == "fault"
    assert report.level("cookie") == "skipped"


def test_cors_of_this_site(doctor: Doctor, one_site: None) -> None:
    report = doctor()
    assert (report.level("our-cors"), report.level("cookie")) == ("ok", "ok")
    own = doctor("--origin", "https://api.example.com:443/")
    assert "own origin" in own.one("our-cors")["title"]
    assert own.level("cookie") == "ok"


def test_an_origin_that_is_not_allowed(doctor: Doctor, one_site: None) -> None:
    found = doctor("--origin", "https://new.example.com").one("our-cors")
    assert found["level"] == "fault"
    assert "ALLOWED_ORIGINS" in found["cause"]
    assert '"https://new.example.com"' in found["cure"]


@pytest.mark.parametrize(
    ("middleware", "words"),
    [
        ("no_cors_on_get", "to a request lacks"),
        ("no_cors_on_options", "to a preflight (OPTIONS) lacks"),
        ("no_options", "status 405"),
    ],
)
def test_middleware_that_takes_the_headers_away(
    doctor: Doctor, one_site: None, settings: Settings, middleware: str, words: str
) -> None:
    settings.MIDDLEWARE = [f"tests.helpers.middleware.{middleware}", *settings.MIDDLEWARE]
    found = doctor().one("our-cors")
    assert found["level"] == "fault"
    assert words in found["cause"]
    assert "SSOCorsMiddleware" in found["cure"]


def test_a_check_that_found_it_first(doctor: Doctor, one_site: None, settings: Settings) -> None:
    settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if "Cors" not in m]
    report = doctor()
    assert report.faults() == ["metabase_sso.E022"]
    assert report.level("our-cors") == "skipped"


def test_a_check_whose_subject_cannot_be_looked_at(doctor: Doctor, configure: Configure) -> None:
    """Without Metabase the address of this site is not known, and the check has the last word."""
    configure(ALLOWED_ORIGINS=[OTHER])
    report = doctor()
    assert report.level("cookie") == "skipped"
    assert report.level("metabase_sso.W009") == "warning"


@pytest.mark.parametrize("authenticate", [None, lambda request: request.user])
def test_no_authorization_header(
    doctor: Doctor, one_site: None, settings: Settings, configure: Configure, authenticate: Any
) -> None:
    settings.CORS_ALLOW_HEADERS = ["accept"]
    configure(AUTHENTICATE=authenticate)
    report = doctor()
    found = report.one("our-cors")
    assert not report.all("metabase_sso.W016")
    assert found["level"] == ("fault" if authenticate else "warning")
    assert "CORS_ALLOW_HEADERS" in found["cure"]


OTHER = "https://app.example.org"


@pytest.mark.parametrize(
    ("origin", "changed", "level", "words"),
    [
        (APP, {}, "ok", ""),
        (APP, {"SESSION_COOKIE_SAMESITE": "Strict"}, "ok", ""),
        (APP, {"SESSION_COOKIE_DOMAIN": ".example.com"}, "ok", ""),
        (APP, {"SESSION_COOKIE_DOMAIN": "api.example.com"}, "ok", ""),
        (APP, {"SESSION_COOKIE_DOMAIN": "www.example.com"}, "fault", "SESSION_COOKIE_DOMAIN"),
        ("http://app.example.com", {}, "fault", "schemes differ"),
        ("http://app.example.com", {"SESSION_COOKIE_SAMESITE": "none"}, "ok", ""),
        (OTHER, {}, "fault", "different sites"),
        (OTHER, {"SESSION_COOKIE_SAMESITE": "Strict"}, "fault", "'Strict'"),
        (OTHER, {"SESSION_COOKIE_SAMESITE": False}, "fault", "False"),
        (OTHER, {"SESSION_COOKIE_SAMESITE": None}, "fault", "None"),
        (OTHER, {"SESSION_COOKIE_SAMESITE": "None"}, "warning", "Safari"),
        (OTHER, {"SESSION_COOKIE_SAMESITE": "none"}, "warning", "Safari"),
        (
            OTHER,
            {"SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_SECURE": False},
            "fault",
            "ignore",
        ),
    ],
)
def test_cookies(
    doctor: Doctor,
    one_site: None,
    settings: Settings,
    origin: str,
    changed: dict[str, Any],
    level: str,
    words: str,
) -> None:
    for name, value in changed.items():
        setattr(settings, name, value)
    report = doctor("--origin", origin)
    found = report.one("cookie")
    assert found["level"] == level
    if level == "fault":  # one fault is one finding
        assert not any(report.all(f"metabase_sso.{check}") for check in ("W008", "W009"))
    assert words in found["cause"]
    assert "SAMESITE" not in found["cure"]  # nothing that makes the project less safe
    if level == "ok":
        assert "assumes that example.com" in found["cause"]


def test_a_header_in_place_of_a_cookie(
    doctor: Doctor, one_site: None, configure: Configure
) -> None:
    configure(AUTHENTICATE=lambda request: request.user, ALLOWED_ORIGINS=[OTHER])
    found = doctor().one("cookie")
    assert found["level"] == "ok"
    assert "AUTHENTICATE" in found["cause"]
