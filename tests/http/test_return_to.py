from __future__ import annotations

from urllib.parse import quote

import pytest

from django_metabase_sso.conf import addresses
from django_metabase_sso.exceptions import InvalidReturnTo
from django_metabase_sso.http.return_to import Query, clean_return_to, read_query
from tests.helpers.return_to import ALLOWED

PLAIN = addresses.parse_instance_url("https://metabase.example.com")
BELOW = addresses.parse_instance_url("https://example.com:8443/metabase/")

HOSTILE = [
    # another host
    "https://evil.example/",
    "http://metabase.example.com/",
    "https://metabase.example.com:8443/",
    "https://metabase.example.com.evil.example/",
    "https://metabase.example.com@evil.example/",
    "https://user@metabase.example.com/",
    "https://user:password@metabase.example.com/",
    "https://metabase.example.com:password@evil.example/",
    "https://evil.example#@metabase.example.com/",
    "https://evil.example?https://metabase.example.com/",
    "https://evil.example\\@metabase.example.com/",
    "https://metabase.example.com\\.evil.example/",
    "https://xmetabase.example.com/",
    "https://metabase.example.com./",
    "https://metabase.example.com:443:80/",
    "https://metabase.example.com:abc/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[metabase.example.com]/",
    "https://[",
    "https:///metabase.example.com/",
    "https:/metabase.example.com/",
    "https:metabase.example.com/",
    "https://",
    "http://2130706433/",
    "https://ｍetabase.example.com/",
    # other schemes, and no path at all
    "javascript:alert(1)",
    "javascript://metabase.example.com/%0aalert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "ftp://metabase.example.com/",
    "blob:https://metabase.example.com/x",
    "view-source:https://metabase.example.com/",
    "dashboard/1",
    "?tab=2",
    "#a",
    "%23a",
    ".",
    "@evil.example",
    "evil.example",
    # more than one slash, in any writing
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/%2Fevil.example",
    "%2F%2Fevil.example",
    "%2F%252Fevil.example",
    "/%252Fevil.example",
    "/%25252525252Fevil.example",
    "/%252525252541",
    "/%2525252525252541",
    "/%2fevil.example?a=b",
    "//metabase.example.com/dashboard/1",
    "https://metabase.example.com//evil.example",
    "https://metabase.example.com/%2Fevil.example",
    # backslashes
    "/\\evil.example",
    "\\\\evil.example",
    "/%5Cevil.example",
    "/%255Cevil.example",
    "/dashboard\\..\\api",
    "https:\\\\metabase.example.com/",
    # white space and control characters
    "/%09/evil.example",
    "/%0A/evil.example",
    "/%0D/evil.example",
    "/%250A/evil.example",
    "%09//evil.example",
    "+/dashboard/1",
    "%20/dashboard/1",
    "%20//evil.example",
    "%00/dashboard/1",
    "/dashboard/1%00",
    "/dashboard/1?a=%0D%0ASet-Cookie:a=b",
    "/dashboard/1%7F",
    "/dashboard/1%C2%85",
    "\t//evil.example",
    "ht\ttps://evil.example",
    "/\x0b/evil.example",
    # what servers and terminals end a line at, or do not show
    "/dashboard/1%E2%80%A8",
    "/dashboard/1?a=%E2%80%A9",
    "/dashboard/1%E2%80%AE",
    # dot segments
    "/..",
    "/..%3Fa",
    "/a%253F%252F..%252Fb",
    "/..%23/a",
    "/.",
    "/./dashboard",
    "/../evil",
    "/dashboard/../auth/logout",
    "/dashboard/%2e%2e/auth/logout",
    "/dashboard/%252e%252e/auth/logout",
    "/..;/auth/logout",
    "/dashboard/..;a=b/api",
    "/.%2F/evil.example",
    "/dashboard/..//evil.example",
    # Metabase's own end points
    "/auth/logout",
    "/auth",
    "/AUTH/sso?jwt=x",
    "/%61uth/logout",
    "/auth;a=b/logout",
    "/auth%2Flogout",
    "/api/session",
    "/api",
    "/Api/user/current",
    "https://metabase.example.com/auth/logout",
    # not UTF-8, not percent-encoded
    "/%ff",
    "/%c0%af/evil.example",
    "/dashboard/1?a=%ff",
    "/%ed%a0%80",
    "/São",
    "/／evil.example",
]


def clean_raw(value: str, at: addresses.InstanceURL = PLAIN) -> str:
    query = read_query(f"return_to={value}")
    assert query.outside == ""
    return clean_return_to(query.values, at)


@pytest.mark.parametrize(("value", "expected"), ALLOWED)
def test_allowed(value: str, expected: str) -> None:
    assert clean_raw(value) == expected


@pytest.mark.parametrize("value", [expected for _, expected in ALLOWED])
def test_what_is_sent_on_is_stable(value: str) -> None:
    assert clean_return_to((quote(value, safe=""),), PLAIN) == value


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile(value: str) -> None:
    with pytest.raises(InvalidReturnTo):
        clean_raw(value)


@pytest.mark.parametrize("value", [value for value in HOSTILE if value.isascii()])
def test_hostile_when_encoded_once_more(value: str) -> None:
    with pytest.raises(InvalidReturnTo):
        clean_raw(quote(value, safe=""))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("/São", "It contains characters that must be percent-encoded."),
        ("https://evil.example/", "It is on a different host than Metabase."),
        ("https://example.com:8443/metabase2", "It is outside Metabase's path."),
        ("/%25252525252Fevil.example", "It is percent-encoded too many times."),
        ("/\\evil.example", "It contains a backslash or a control character."),
        ("//evil.example", "It does not begin with exactly one slash."),
        ("/..", "It contains a “.” or “..” segment."),
        ("/api/session", "It is not a page of Metabase."),
        ("/%ff", "It is not valid UTF-8."),
    ],
)
def test_reasons(value: str, reason: str) -> None:
    with pytest.raises(InvalidReturnTo) as caught:
        clean_raw(value, BELOW)
    assert str(caught.value) == reason


def test_enough_hostile_values() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # the three forms: below the instance, with its prefix, and absolute
        ("/dashboard/1?tab=2", "/metabase/dashboard/1?tab=2"),
        ("/metabase/dashboard/1?tab=2", "/metabase/dashboard/1?tab=2"),
        (
            "https://example.com:8443/metabase/dashboard/1?tab=2",
            "/metabase/dashboard/1?tab=2",
        ),
        # the start page
        ("", "/metabase/"),
        ("/", "/metabase/"),
        ("/metabase", "/metabase/"),
        ("/metabase/", "/metabase/"),
        ("https://example.com:8443/metabase", "/metabase/"),
        ("/?a=b", "/metabase/?a=b"),
        ("/metabase?a=b", "/metabase/?a=b"),
        ("%2Fmetabase%3Fa%3Db", "/metabase/?a=b"),
        ("https://example.com:8443/metabase?a=b", "/metabase/?a=b"),
        ("https://example.com:8443/metabase%23a", "/metabase/#a"),
        # what only looks like the prefix
        ("/metabase2", "/metabase/metabase2"),
        ("/metabase-questions/1", "/metabase/metabase-questions/1"),
        ("/Metabase/a", "/metabase/Metabase/a"),
        ("https://example.com:8443/metabase/metabase/a", "/metabase/metabase/a"),
        ("/dashboard/metabase/auth", "/metabase/dashboard/metabase/auth"),
    ],
)
def test_path_prefix(value: str, expected: str) -> None:
    assert clean_raw(value, BELOW) == expected
    assert clean_return_to((quote(expected, safe=""),), BELOW) in (
        expected,
        f"/metabase{expected}",
    )


@pytest.mark.parametrize(
    "value",
    [
        "https://example.com:8443/",
        "https://example.com:8443/dashboard/1",
        "https://example.com:8443/metabase2/dashboard/1",
        "https://example.com:8443/metabase/../admin",
        "https://example.com:8443/metabase//evil.example",
        "https://example.com:8443/Metabase/dashboard/1",
        "https://example.com/metabase/dashboard/1",
        "/metabase//evil.example",
        "/metabase/../admin",
        "//metabase/dashboard/1",
        "metabase/dashboard/1",
        "?a=b",
    ],
)
def test_outside_of_the_path_prefix(value: str) -> None:
    with pytest.raises(InvalidReturnTo):
        clean_raw(value, BELOW)


@pytest.mark.parametrize("times", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "path",
    [
        "/auth/logout",
        "/AUTH;a=b/logout",
        "/api/session",
        "/api",
        "/metabase/auth/logout",
        "/metabase/auth?a=b",
        "/metabase/Api/session",
        "/METABASE/auth/logout",
        "/metabase;a=b/auth/logout",
        "/metabase/metabase/api/session",
        "/%6detabase/auth/logout?a=b",
        "/metabase/%61uth/logout?a=b",
        "/metabase%2Fauth%2Flogout?a=b",
        "https://example.com:8443/metabase/auth/logout",
        "https://example.com:8443/metabase/%61pi/session?a=b",
    ],
)
def test_end_points_below_the_path_prefix(path: str, times: int) -> None:
    for _ in range(times):
        path = quote(path, safe="")
    with pytest.raises(InvalidReturnTo):
        clean_raw(path, BELOW)


@pytest.mark.parametrize(
    ("url", "value", "expected"),
    [
        ("https://example.com/a/b", "/a/b/question/1", "/a/b/question/1"),
        ("https://example.com/a/b", "/a/question/1", "/a/b/a/question/1"),
        ("https://example.com/a/b", "/a/auth/logout", "/a/b/a/auth/logout"),
        ("https://example.com/api", "/question/1", "/api/question/1"),
        ("https://example.com/api", "/api/question/1", "/api/question/1"),
    ],
)
def test_other_prefixes(url: str, value: str, expected: str) -> None:
    assert clean_raw(value, addresses.parse_instance_url(url)) == expected


@pytest.mark.parametrize("value", ["/api/api/session", "/api/api/api", "/auth/logout"])
def test_end_points_below_a_prefix_that_is_called_like_one(value: str) -> None:
    with pytest.raises(InvalidReturnTo, match="not a page of Metabase"):
        clean_raw(value, addresses.parse_instance_url("https://example.com/api"))


@pytest.mark.parametrize(
    ("query", "values", "outside"),
    [
        ("", (), ""),
        ("a=b&return_to=/x&c=d", ("/x",), "a=b&c=d"),
        ("redirect=/x", ("/x",), ""),
        ("return%5Fto=/x", ("/x",), ""),
        ("return_to=/x?a=b&response=json", ("/x?a=b&response=json",), ""),
        ("response=json&return_to=/x?a=b&c", ("/x?a=b&c",), "response=json"),
        ("return_to=/a&redirect=/b", ("/a", "/b"), ""),
        ("return_to", ("",), ""),
        ("return_to==", ("=",), ""),
    ],
)
def test_read_query(query: str, values: tuple[str, ...], outside: str) -> None:
    assert read_query(query) == Query(values, outside, "response=json" in outside)


def test_given_twice() -> None:
    with pytest.raises(InvalidReturnTo, match=r"^It was given more than once.$"):
        clean_return_to(("/a", "/b"), PLAIN)
