"""Wherever `return_to` points: a browser that follows our answer stays on the instance."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, quote_from_bytes, unquote

from ada_url import URL, URLSearchParams
from django.test import Client
from hypothesis import example, given
from hypothesis import strategies as st

from django_metabase_sso.conf import addresses
from django_metabase_sso.conf.addresses import InstanceURL
from example_project.standin.redirects import check_return_to
from tests.properties.people import BEARERS, site

PLAIN = "https://metabase.example.com"
BELOW = "https://example.com:8443/metabase"
SITE = site({"AUTHENTICATE": lambda request: BEARERS["Bearer ada"]})

NASTY = """
/ // /// \\ %5c %5C %255c %2f %2F %252f %25252f . .. ... /./ /../ /..;/ %2e %2e%2e %252e ; %3b @
%40 # %23 %2523 ? %3f %253f & = %26 %3d + % %% %zz %u002f %00 %09 %0a %0d %7f %85 %20 %C0%AF %C0%AE
%E2%80%AE %EF%BC%8F %E3%80%82 %ED%A0%80 ∕ ／ ⁄ 。 ․ ／／ ＼ : :443 :80 [ ] [::1] | { } " < > ^ ` ~
http: https: HTTPS: http:/ https:// https:/\\ javascript: data: file: ftp: blob: //evil.example
evil.example .evil.example @evil.example localhost 127.0.0.1 0x7f.1 xn--a
metabase metabase/ metabaseX dashboard dashboard/1 auth auth/sso api /auth/logout /api/session
/metabase/auth/logout Metabase/api
https://metabase.example.com https://metabase.example.com. https://metabase.example.com:443
https://metabase.example.com.evil.example https://metabase.example.com@evil.example
https://user@metabase.example.com https://example.com:8443/metabase https://example.com/metabase
https://example.com:8443/metabase/../ https://example.com:8443/metabaseX //metabase.example.com
return_to= redirect= &return_to= jwt= token= response=json &response=json ret%75rn_to=
""".split()
CONTROLS = ["\t", "\n", "\r", "\x00", "\x0b", "\x1f", " ", "\x7f", "\x85", "\u2028", "\u00a0"]
ENCODINGS = [*["utf-8"] * 5, "utf-16-be", "utf-7", "latin-1"]
RETURN_TO = [*[b"return_to="] * 4, b"redirect=", b"ret%75rn_to=", b"return_to", b"%00="]

words = st.lists(st.sampled_from([*NASTY, *CONTROLS, "a", "1"]) | st.text(max_size=3), max_size=8)
plain = st.lists(st.sampled_from(["a", "1", "é", " ", "%20", ";v=1", "?", "#", "&", "=", "/"]))
starts = st.sampled_from(["/a", "/a/", "/", "", PLAIN, f"{PLAIN}/", BELOW, f"{BELOW}/", "//"])
targets = st.builds(lambda start, rest: start + "".join(rest), starts, words | plain)


@st.composite
def encoded(draw: st.DrawFn) -> bytes:
    """Return a target in some encoding, percent-encoded none to three times."""
    raw: bytes = draw(targets).encode(draw(st.sampled_from(ENCODINGS)), errors="replace")
    for _ in range(draw(st.integers(0, 3))):
        raw = quote_from_bytes(raw, safe=draw(st.sampled_from(["", "/", "/%", "/?&=#"]))).encode()
    return raw


@st.composite
def queries(draw: st.DrawFn) -> bytes:
    """Return the bytes behind the question mark."""
    pairs = [(draw(st.sampled_from(RETURN_TO)), draw(encoded()))]
    if draw(st.integers(0, 3)) == 3:
        other = (draw(st.sampled_from([b"a=", b"redirect="])), draw(encoded()))
        pairs.insert(draw(st.integers(0, 1)), other)
    return b"&".join(name + value for name, value in pairs)


@example(PLAIN, b"return_to=/a")
@example(BELOW, b"return_to=/a&response=json")
@example(BELOW, b"return_to=//evil.example")
@example(PLAIN, b"return_to=/%255cevil.example")
@example(BELOW, b"return_to=/%09/evil.example")
@example(BELOW, b"return_to=/%252e%252e/a")
@example(PLAIN, b"return_to=/auth/logout")
@example(BELOW, b"return_to=/%61pi/session")
@example(BELOW, b"return_to=/metabase/%61pi/session?a=b")
@example(BELOW, b"return_to=/metabase")
@example(BELOW, b"return_to=/metabase/dashboard/1")
@given(st.sampled_from([PLAIN, BELOW]), queries() | queries() | st.binary(max_size=40))
def test_redirects_stay_on_the_instance(url: str, query: bytes) -> None:
    ask(url, query)


@example(PLAIN, "a", 1)
@given(
    st.sampled_from([PLAIN, BELOW]),
    st.text(st.sampled_from("/\\.%25cCfFeE09;@#?&=: \tah")),
    st.integers(0, 3),
)
def test_redirects_of_few_letters(url: str, text: str, times: int) -> None:
    """The same with an alphabet so small that Hypothesis hits on escapes by itself."""
    for _ in range(times):
        text = quote(text)
    ask(url, b"return_to=/" + text.encode())


def ask(url: str, query: bytes) -> None:
    """Navigate with this query string as a signed-in user, and judge the answer."""
    with site({"AUTHENTICATE": lambda request: BEARERS["Bearer ada"], "INSTANCE_URL": url}):
        response: Any = Client().get(
            "/sso/metabase",
            headers={"Sec-Fetch-Mode": "navigate"},
            QUERY_STRING=query.decode("latin-1"),
        )
    if response.status_code == 302:
        assert_stays(response["Location"], addresses.parse_instance_url(url))
    elif response.status_code == 200:  # a fetch, by its own word
        assert b"response=json" in query.split(b"&")
        assert list(json.loads(response.content)) == ["jwt"]
    else:
        assert response.status_code == 400
        assert "Location" not in response


def assert_stays(location: str, metabase: InstanceURL) -> None:
    """Parse a `Location` as a browser does, and what Metabase makes of it."""
    url = URL(location)
    assert (url.origin, url.username, url.hash) == (metabase.origin, "", "")
    assert url.pathname == f"{metabase.prefix}/auth/sso"
    params = URLSearchParams(url.search)
    assert sorted(params.keys()) == ["jwt", "return_to", "token"]
    inner = params.get("return_to")
    check_return_to(inner, PLAIN)  # nothing that Java's URI class refuses
    for _ in range(4):  # decoding it once more leads to the same place
        assert_lands_on(inner, metabase)
        inner = unquote(inner, errors="strict")


def assert_lands_on(path: str, metabase: InstanceURL) -> None:
    """Read a path against the instance's address, as Metabase does, and appended to it."""
    assert_page(URL(path, base=f"{metabase}/"), metabase)
    assert_page(URL(f"{metabase}{path}"), metabase)


def assert_page(url: URL, metabase: InstanceURL) -> None:
    """Assert that this is a page of the instance, and none of its end points."""
    assert (url.origin, url.username) == (metabase.origin, "")
    assert url.pathname.startswith(f"{metabase.prefix}/")
    below = url.pathname.removeprefix(metabase.prefix).lower()
    assert below.split("/")[1] not in ("auth", "api")
    assert not below.startswith("//")
