"""What Metabase answers in other versions and languages, and when it hides its messages."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import User
from django.utils.http import http_date

from tests.helpers.configure import Configure
from tests.helpers.reports import APP, Doctor
from tests.servers.answers import PROPERTIES, SESSION, VERSION, Answered, old_metabase, tagged
from tests.servers.canned import Canned
from tests.servers.standin import Metabase
from tests.settings import EMBEDDING_SECRET, SECRET

GERMAN = "JWT-Token fehlt der E-Mail-Anspruch"


CORRUPT = "Message seems corrupt or manipulated"


@pytest.mark.parametrize(
    ("canned", "level", "words"),
    [
        (Canned(502, "<html>Bad Gateway"), "fault", "502"),
        (Canned(404, "nothing here"), "fault", "does not state its version"),
        (Canned(200, "<html>Sign in"), "fault", "does not state its version"),
        (Canned(200, {"version": "v1"}), "fault", "does not state its version"),
        (Canned(200, {"version": {"tag": "v1\x1b[2J"}}), "ok", r"v1\x1b[2J."),
        (Canned(200, ["version"]), "fault", "does not state its version"),
        (Canned(200, "[" * 100_000), "fault", "does not state its version"),
    ],
)
def test_versions(answered: Answered, canned: Canned, level: str, words: str) -> None:
    report, _ = answered({PROPERTIES: canned})
    assert report.level("instance") == level
    assert words in report.one("instance")["title"]
    if level != "fault":
        sso = report.one("sso")
        assert "status 404" in sso["title"]
        assert "This answer is unknown" in sso["cause"]


@pytest.mark.parametrize(
    "canned",
    [
        Canned(body={"method": "jwt", "url": "https://www.example.com/sso/metabase"}),
        Canned(302, headers={"Location": "https://www.example.com/sso/metabase"}),
        Canned(400, "SSO has not been enabled and/or configured"),
    ],
)
def test_a_version_that_is_hidden(answered: Answered, canned: Canned) -> None:
    """The way in is Metabase's, so a proxy may close the page with the version."""
    report, _ = answered({PROPERTIES: Canned(403), "GET /auth/sso": canned})
    assert report.level("instance") == "warning"
    assert report.all("sso") or report.all("method")


def test_the_open_source_build(answered: Answered) -> None:
    report, _ = answered({PROPERTIES: Canned(body={"version": {"tag": "v0.56.3"}})})
    assert report.level("edition") == "warning"
    assert "plan" in report.one("edition")["cure"]
    assert report.level("clock") == "warning"  # no Date header
    assert "Date" in report.one("clock")["title"]


@pytest.mark.parametrize(("age", "level"), [("300", "ok"), ("", "fault"), ("x", "fault")])
def test_a_date_that_a_cache_kept(answered: Answered, age: str, level: str) -> None:
    headers = {"Date": http_date(time.time() - 300), "Age": age}
    report, _ = answered({PROPERTIES: Canned(body=VERSION.body, headers=headers)})
    assert report.level("clock") == level


def is_signed(text: str) -> bool:
    """Whether the token in a request was signed with the secret of the tests."""
    [token] = re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", text)
    for secret in (SECRET, EMBEDDING_SECRET):
        with suppress(jwt.InvalidSignatureError):
            jwt.decode(token, secret, algorithms=["HS256"])
            return True
    return False


def verdict(good: Canned, bad: Canned) -> Callable[[str], Canned]:
    return lambda text: good if is_signed(text) else bad


@pytest.mark.parametrize(
    ("good", "bad", "level", "words"),
    [
        (Canned(401, GERMAN), Canned(401, CORRUPT), "ok", "the same secret"),
        (Canned(401, f'"{GERMAN}"'), Canned(401, CORRUPT), "ok", "the same secret"),
        (Canned(401, f"{CORRUPT}."), Canned(401, CORRUPT), "ok", "the same secret"),
        (
            Canned(401, {"message": "Something went wrong"}),
            Canned(401, {"message": "Something went wrong"}),
            "warning",
            "could not be compared",
        ),
        (Canned(401, "Unauthorized"), Canned(401, "Unauthorized"), "fault", "401: Unauthorized"),
        (Canned(403, "<h1>WAF"), Canned(403, "<h1>WAF"), "fault", "with status 403"),
    ],
)
def test_the_secret_in_any_language(
    answered: Answered, good: Canned, bad: Canned, level: str, words: str
) -> None:
    """Only the texts of the verification library are English on each site."""
    answers = {
        **old_metabase("http://localhost"),
        "POST /auth/sso/to_session": verdict(good, bad),
    }
    report, requests = answered(answers)
    assert report.level("secret") == level
    assert words in report.one("secret")["title"]
    assert all("X-Metabase-Locale: en" in request for request in requests)


@pytest.mark.parametrize(
    ("good", "bad", "level", "words"),
    [
        (Canned(404, "Not found."), Canned(400, CORRUPT), "ok", "the same embedding"),
        (Canned(400, "Einbettung ist aus."), Canned(400, CORRUPT), "warning", "switched off"),
        (
            Canned(400, "Embedding is not enabled."),
            Canned(400, CORRUPT),
            "warning",
            "switched off",
        ),
        (Canned(400, "Token is expired (7)"), Canned(400, CORRUPT), "ok", "the same embedding"),
        (Canned(400, CORRUPT), Canned(400, CORRUPT), "fault", CORRUPT),
        (
            Canned(400, "Einbettung ist aus."),
            Canned(400, "Einbettung ist aus."),
            "warning",
            "not be",
        ),
        (Canned(404), Canned(404), "fault", "status 404"),
        (Canned(500, "Something went wrong"), Canned(500), "fault", "Something went wrong"),
    ],
)
def test_the_embedding_secret_in_any_order(
    answered: Answered, configure: Configure, good: Canned, bad: Canned, level: str, words: str
) -> None:
    """The newest say first that there is no such dashboard, older ones that embedding is off."""
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET)
    answers = {PROPERTIES: VERSION, "GET /api/embed/dashboard/*": verdict(good, bad)}
    report, _ = answered(answers)
    found = report.all("embedding-secret")[-1]
    assert (found["level"], words in found["title"]) == (level, True)
    if "expired" in str(good.body):
        assert "expired" in report.all("clock")[-1]["title"]


def test_a_token_that_is_refused_for_its_age_by_a_clock_that_looks_right(
    answered: Answered,
) -> None:
    """A balancer with another clock than Metabase's own wrote the Date."""
    headers = {"Date": http_date(time.time())}
    answers = {
        **old_metabase("http://localhost"),
        PROPERTIES: Canned(body=VERSION.body, headers=headers),
        "POST /auth/sso/to_session": Canned(401, "Token is older than max-age (180)"),
    }
    report, _ = answered(answers)
    assert [found["level"] for found in report.all("clock")] == ["ok", "fault"]
    assert report.level("secret") == "ok"


@pytest.mark.parametrize(
    ("sdk", "simple", "navigation", "code", "level"),
    [
        (402, 200, 302, "embedding", "warning"),
        (402, 402, 302, "embedding", "fault"),
        (402, 402, 402, "sso", "fault"),
        (402, 402, 400, "sso", "fault"),
        (400, 400, 400, "sso", "fault"),
    ],
)
@pytest.mark.parametrize("hidden", [True, False])
def test_what_is_off_by_its_status_alone(
    answered: Answered,
    sdk: int,
    simple: int,
    navigation: int,
    code: str,
    level: str,
    hidden: bool,
) -> None:
    body = {"message": "Something went wrong" if hidden else "Das ist aus."}
    jwt_answer = {"method": "jwt", "url": "http://localhost/sso/metabase"}

    def answer(request: str) -> Canned:
        kind = re.search("embedding-(sdk|simple)", request)
        status = {"sdk": sdk, "simple": simple}[kind[1]] if kind else navigation
        location = {"Location": "http://localhost/sso/metabase"} if status == 302 else {}
        return Canned(status, jwt_answer if status == 200 else body, location)

    report, _ = answered({PROPERTIES: VERSION, "GET /auth/sso": answer}, "--origin", APP)
    found = report.all(code)[0]
    assert found["level"] == level
    assert "Embedding" in found["cure"] if code == "embedding" else "plan" in found["cause"]


REFUSED = Canned(402, {"message": "Das ist aus.", "status": "error-embedding-simple-disabled"})
UNPAID = Canned(402, {"status": "error-premium-feature-not-available"})
SIGNED_IN = Canned(200, {"status": "ok", "id": "session-of-an-embed"})


@pytest.mark.parametrize(
    ("sdk", "simple", "origin", "levels"),
    [
        (SIGNED_IN, SIGNED_IN, APP, []),
        (SIGNED_IN, REFUSED, APP, ["warning"]),
        (REFUSED, REFUSED, APP, ["fault"]),
        (REFUSED, REFUSED, None, ["warning"]),
        (UNPAID, UNPAID, APP, []),
        (Canned(200, {"id": 7}), Canned(200, {"id": "two\nlines"}), APP, []),
    ],
)
@pytest.mark.parametrize("takes_post", [True, False])
def test_what_is_off_only_after_the_sign_in(
    answered: Answered,
    ada: User,
    sdk: Canned,
    simple: Canned,
    origin: str | None,
    levels: list[str],
    takes_post: bool,
) -> None:
    """The sign-in flows: the same token is brought as each kind of embed brings it."""
    found = {"method": "jwt", "url": "http://localhost/sso/metabase", "hash": "a-hash"}

    def with_token(request: str) -> Canned:
        assert "X-Metabase-Sdk-Jwt-Hash: a-hash" in request
        return sdk if "embedding-sdk-react" in request else simple

    def got(request: str) -> Canned:
        return with_token(request) if "?jwt=" in request else Canned(200, found)

    answers = {
        PROPERTIES: VERSION,
        "GET /auth/sso": got,
        "POST /auth/sso": with_token if takes_post else Canned(501, "<html>"),
        "POST /auth/sso/to_session": SESSION,
        "GET /api/user/current": Canned(body={"email": "ada@example.com"}),
    }
    options = ["--origin", origin] if origin else []
    report, requests = answered(answers, "--user", "ada", *options)
    assert [finding["level"] for finding in report.all("embedding")] == levels
    assert all("Embedding" in finding["cure"] for finding in report.all("embedding"))
    ended = [request for request in requests if request.startswith("DELETE /api/session")]
    assert len(ended) == 1 + [sdk, simple].count(SIGNED_IN)


@pytest.mark.parametrize("sent", [7, "two\nlines", None])
def test_a_hash_that_no_header_can_hold(answered: Answered, ada: User, sent: object) -> None:
    found = {"method": "jwt", "url": "http://localhost/sso/metabase", "hash": sent}
    answers = {
        PROPERTIES: VERSION,
        "GET /auth/sso": Canned(200, found),
        "POST /auth/sso": SIGNED_IN,
        "POST /auth/sso/to_session": SESSION,
        "GET /api/user/current": Canned(body={"email": "ada@example.com"}),
    }
    report, requests = answered(answers, "--user", "ada")
    assert report.level("exchange") == "ok"
    assert not any("Jwt-Hash" in request for request in requests)


def test_an_old_metabase(answered: Answered) -> None:
    """Before version 55 there is no JSON to discover, and no to_session."""
    report, requests = answered(old_metabase("http://localhost/sso/metabase"))
    assert report.level("method") == "warning"
    assert "55" in report.one("method")["cause"]
    assert report.level("identity-provider") == "ok"
    assert any("GET /auth/sso?jwt=" in request for request in requests)


def test_a_proxy_that_takes_the_session_header_away(answered: Answered, ada: User) -> None:
    answers = {**old_metabase("http://localhost"), "POST /auth/sso/to_session": SESSION}
    report, requests = answered(answers, "--user", "ada")
    found = report.one("exchange")
    assert found["level"] == "fault"
    assert "X-Metabase-Session" in found["cause"]
    assert any(request.startswith("DELETE /api/session") for request in requests)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (56, "Admin > Settings > Authentication > JWT"),
        (64, "Admin > Settings > Authentication > JWT"),
        (65, "Embedding hub > Authentication"),
        (70, "Embedding hub > Authentication"),
    ],
)
def test_the_names_of_the_admin_pages(answered: Answered, version: int, words: str) -> None:
    saml = Canned(body={"method": "saml", "url": ""})
    report, _ = answered({PROPERTIES: tagged(version), "GET /auth/sso": saml}, "--origin", APP)
    assert words in report.one("method")["cure"]
    word = "Security" if version >= 65 else "Cross-Origin"
    assert word in report.one("metabase-cors")["cure"]


@pytest.mark.parametrize("version", [56, 57, 65])
@pytest.mark.parametrize(
    ("stated", "there", "start", "level"),
    [
        ("http://localhost", 302, 302, "ok"),
        ("http://localhost", 400, 302, "fault"),
        ("http://localhost", 400, 400, "ok"),  # JWT is off
        ("http://other.example", 302, 302, "fault"),
        (None, 302, 302, "ok"),
        (None, 400, 302, "fault"),
        (None, 400, 400, "skipped"),
    ],
)
def test_the_site_url(
    answered: Answered, version: int, stated: str | None, there: int, start: int, level: str
) -> None:
    """Metabase 56 does not check `return_to` without a token: only what it states counts."""

    def answer(request: str) -> Canned:
        status = there if "return_to=http" in request else start
        return Canned(status, "Ung\u00fcltige Adresse", {"Location": "http://localhost"})

    answers = {PROPERTIES: tagged(version, **{"site-url": stated}), "GET /auth/sso": answer}
    report, requests = answered(answers)
    asks = any("return_to" in request for request in requests)
    assert asks == (version >= 57 and stated != "http://other.example")
    if version == 56 and stated is None:
        level = "skipped"
    elif version == 56 and stated == "http://localhost":
        level = "ok"
    assert report.level("site-url") == level


@pytest.mark.parametrize(
    ("version", "level", "words"),
    [(56, "warning", "ignores"), (58, "skipped", "403"), (65, "skipped", "403")],
)
def test_tenants_that_may_be_off(
    answered: Answered, ada: User, configure: Configure, version: int, level: str, words: str
) -> None:
    """Only administrators can ask Metabase, so it is said before anybody is signed in."""
    configure(TENANT=lambda user, request: "acme")
    answers = {**old_metabase("http://localhost"), "POST /auth/sso/to_session": SESSION}
    report, _ = answered({**answers, PROPERTIES: tagged(version)}, "--user", "ada")
    found = report.one("tenants")
    assert (found["level"], words in found["cause"]) == (level, True)
    codes = [entry["code"] for entry in report.findings]
    assert codes.index("tenants") < codes.index("exchange")


# The stand-in, in each version and language, with and without its messages

VERSIONS = [56, 58, 60, 63, 65]
OTHER = "another-shared-secret-0123456789abcdefghij"
# What is wrong: settings of the stand-in, settings of this site, and the codes of the faults
FAULTS: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({}, {}, []),
    ({"jwt_enabled": False}, {}, ["sso"]),
    ({"is_licensed": False}, {}, ["sso"]),
    ({"clock_skew": 300}, {}, ["clock"]),
    ({}, {"JWT_SHARED_SECRET": OTHER}, ["secret"]),
    ({}, {"EMBEDDING_SECRET_KEY": OTHER}, ["embedding-secret"]),
    ({"jwt_user_provisioning_enabled": False}, {}, ["exchange"]),
    ({"jwt_attribute_email": "mail"}, {}, ["exchange"]),
    ({}, {"INSTANCE_URL": "http://127.0.0.1"}, ["site-url"]),
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("hidden", ["true", "false"])
def test_the_verdicts_are_the_same_everywhere(
    doctor: Doctor,
    metabase: Metabase,
    ada: User,
    configure: Configure,
    version: int,
    locale: str,
    hidden: str,
) -> None:
    """Whatever the version, the language of the site and what it hides."""
    for changed, ours, codes in FAULTS:
        metabase.reset()
        environment = {"MB_HIDE_STACKTRACES": hidden}
        metabase.change(version=version, environment=environment)
        metabase.change(site_locale=locale, **changed)
        url = metabase.url
        if "INSTANCE_URL" in ours:
            url = url.replace("http://localhost", ours["INSTANCE_URL"])
        keys = {"JWT_SHARED_SECRET": SECRET, "EMBEDDING_SECRET_KEY": EMBEDDING_SECRET}
        configure(**{**keys, **ours, "INSTANCE_URL": url})
        report = doctor("--user", "ada")
        assert report.faults() == codes, (changed, ours)
        expected = [] if codes else ["ada@example.com"]
        if codes in ([], ["site-url"], ["embedding-secret"]):
            expected = ["ada@example.com"]  # once as a server, and once as each kind of embed
        assert metabase.signed_in() == expected * 3


@pytest.mark.parametrize("version", VERSIONS[1:])
@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("hidden", ["true", "false"])
def test_tenants_that_are_off_are_named(
    doctor: Doctor,
    metabase: Metabase,
    ada: User,
    configure: Configure,
    version: int,
    locale: str,
    hidden: str,
) -> None:
    metabase.change(version=version, environment={"MB_HIDE_STACKTRACES": hidden})
    metabase.change(site_locale=locale)
    configure(TENANT=lambda user, request: "acme")
    report = doctor("--user", "ada")
    assert report.faults() == ["exchange"]
    assert "tenants are switched off" in report.one("exchange")["cause"]
    assert metabase.sign_ins() == []


@pytest.mark.parametrize("version", VERSIONS)
def test_guest_embeds_that_are_off(
    doctor: Doctor, metabase: Metabase, configure: Configure, version: int
) -> None:
    """Older versions say so first, and the newest that there is no such dashboard."""
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET)
    metabase.change(version=version)
    switch = "enable_embedding_modular" if version >= 65 else "enable_embedding_static"
    metabase.change(**{switch: False})
    found = doctor().all("embedding-secret")
    assert {entry["level"] for entry in found} <= {"ok", "warning"}
    if version >= 65:
        assert [entry["level"] for entry in found] == ["ok"]
    else:
        assert found[-1]["level"] == "warning"
        assert "Admin > Embedding" in found[-1]["cure"]


def test_an_origin_that_only_other_answers_let_in(doctor: Doctor, metabase: Metabase) -> None:
    """/auth/sso lets everybody read a 402 and each OPTIONS: only /api/ counts."""
    metabase.change(version=63, enable_embedding_sdk=False)
    assert doctor("--origin", "https://new.example.org").level("metabase-cors") == "fault"
    assert doctor("--origin", APP).level("metabase-cors") == "ok"
