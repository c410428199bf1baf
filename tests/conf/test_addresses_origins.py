from __future__ import annotations

import re

import pytest

from django_metabase_sso.conf.addresses import matches_any, parse_origin, site_of

EXACT = "https://app.example.com"


@pytest.mark.parametrize(
    ("allowed", "origin", "matches"),
    [
        (EXACT, EXACT, True),
        (EXACT, "http://app.example.com", False),
        (EXACT, "https://app.example.com:8443", False),
        (EXACT, "https://app.example.com.evil.example", False),
        (EXACT, "https://APP.example.com", False),
        (EXACT, "https://app.example.com/", False),
        (EXACT, "null", False),
        (EXACT, "", False),
        ("http://localhost:3000", "http://localhost:3000", True),
        ("http://localhost:3000", "http://localhost:30000", False),
        ("http://[::1]:3000", "http://[::1]:3000", True),
        ("https://*.example.com", "https://a.example.com", True),
        ("https://*.example.com", "https://a-b_9.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://.example.com", False),
        ("https://*.example.com", "https://a.b.example.com", False),
        ("https://*.example.com", "https://evil.example/.example.com", False),
        ("https://*.example.com", "https://evil.example#.example.com", False),
        ("https://*.example.com", "https://aexample.com", False),
        ("https://*.example.com", "http://a.example.com", False),
        ("https://*.example.com", "https://a.example.com:8443", False),
        ("https://*.example.com", "https://a.example.com.evil.example", False),
        ("https://*.example.com", f"https://{'a' * 64}.example.com", False),
        ("https://*.example.com:8443", "https://a.example.com:8443", True),
        ("https://*.team.vercel.app", "https://a.team.vercel.app", True),
        ("https://*.team.gov.uk", "https://a.team.gov.uk", True),
        ("https://*.co.example", "https://a.co.example", True),
        ("https://*.orange.fr", "https://a.orange.fr", True),
    ],
)
def test_matches(allowed: str, origin: str, matches: bool) -> None:
    assert parse_origin(allowed).matches(origin) is matches
    assert (
        matches_any(origin, [parse_origin("https://other.example"), parse_origin(allowed)])
        is matches
    )


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "",
        "app.example.com",
        "//app.example.com",
        "ftp://app.example.com",
        "https://",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://app.example.com?a",
        "https://user@app.example.com",
        "https://App.example.com",
        "HTTPS://app.example.com",
        "https://app.example.com:443",
        "http://app.example.com:80",
        "https://app.example.com:",
        "https://app.example.com:port",
        "https://bücher.example",
        "https://app example.com",
        "https://*",
        "https://*.com",
        "https://*.localhost",
        "https://*.*.example.com",
        "https://a.*.example.com",
        "https://*app.example.com",
        "https://*.1.2.3.4",
        "https://*.co.uk",
        "https://*.gov.uk",
        "https://*.gouv.fr",
        "https://*.gob.mx",
        "https://*.edu.au",
        "https://*.ac.nz:8443",
        "https://*.govt.nz",
        "https://*.nhs.uk",
        "https://*.go.jp.",
        "http://*.sch.ae",
        "https://*.vercel.app",
        "https://*.csb.app",
        "https://*.webcontainer.io",
        "https://*.lhr.life",
        "https://*.netlify.app",
        "https://*.github.io",
        "https://*.pages.dev",
        "https://*.github.io.",
        "https://*.com.sg",
        "https://*.eu.ngrok.io",
        "https://*.a.run.app",
        "https://*.eastus.azurewebsites.net",
        "https://*.s3.eu-west-1.amazonaws.com",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_origin(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *(
            (
                origin,
                (
                    "must begin with https:// or http:// (an app with a scheme of its own sends a"
                    " header from its native code, which needs AUTHENTICATE and no origin)"
                ),
            )
            for origin in ("app.example.com", "capacitor://localhost", "ionic://localhost")
        ),
        *(
            (
                f"https://{prefix}{international}",
                f"must have its international domain in punycode, as browsers send it{name}",
            )
            for prefix in ("", "*.")
            for international, name in [
                ("bücher.example", ": xn--bcher-kva.example"),
                ("Пример.example:8443", ": xn--e1afmkfd.example"),
                ("straße.example", " (xn--...)"),
            ]
        ),
        (
            "https://app.example.com/",
            "must be only scheme, host and port, without a path or a trailing slash",
        ),
        (
            "https://a.*.example.com",
            "may have one *, as the whole first label: https://*.example.com",
        ),
        (
            "https://App.example.com",
            "must be written as browsers send it: https://app.example.com",
        ),
        ("https://*.co.uk", "lets anybody in who can have a name below that suffix"),
    ],
)
def test_reasons(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        parse_origin(text)


@pytest.mark.parametrize(
    ("origin", "is_local"),
    [
        ("http://localhost:3000", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:3000", True),
        ("http://app.localhost", True),
        ("http://localhost.example.com", False),
    ],
)
def test_is_local(origin: str, is_local: bool) -> None:
    assert parse_origin(origin).is_local is is_local


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("app.example.com", "example.com"),
        ("example.com:8000", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("team.vercel.app", "team.vercel.app"),
        ("a.ac.uk", "a.ac.uk"),
        ("www.b.ac.uk", "b.ac.uk"),
        ("WWW.Service.Gouv.FR:8443", "service.gouv.fr"),
        ("www.service.gob.mx.", "service.gob.mx"),
        ("gov.uk", "gov.uk"),
        ("x.eu.ngrok.io", "x.eu.ngrok.io"),
        ("b.bucket.s3.eu-west-1.amazonaws.com", "b.bucket.s3.eu-west-1.amazonaws.com"),
        ("a.b.example.fr", "example.fr"),
        ("", ""),
        ("localhost:8000", "localhost"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("[::1]:8000", "[::1]"),
        ("[::ffff:127.0.0.1]:8000", "[::ffff:127.0.0.1]"),
        ("a1.example.com", "example.com"),
    ],
)
def test_site_of(host: str, site: str) -> None:
    assert site_of(host) == site
