from __future__ import annotations

import re

import pytest

from django_metabase_sso.conf.addresses import parse_instance_url


@pytest.mark.parametrize(
    ("url", "text", "origin"),
    [
        ("https://metabase.example.com", "https://metabase.example.com", None),
        ("https://metabase.example.com/", "https://metabase.example.com", None),
        ("https://example.com/a/b//", "https://example.com/a/b", "https://example.com"),
        ("https://example.com/X/", "https://example.com/X", "https://example.com"),
        ("HTTPS://Example.COM:443/A", "https://example.com/A", "https://example.com"),
        ("http://localhost:3000", "http://localhost:3000", None),
        ("http://[::1]:3000/", "http://[::1]:3000", None),
        ("http://my_metabase:80", "http://my_metabase", None),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example", None),
    ],
)
def test_parse(url: str, text: str, origin: str | None) -> None:
    instance = parse_instance_url(url)
    assert str(instance) == text
    assert instance.origin == (origin or text)


@pytest.mark.parametrize(
    "url",
    [
        "metabase.example.com",
        "//metabase.example.com",
        "ftp://metabase.example.com",
        "https://",
        "https:///path",
        "https://metabase.example.com?a=b",
        "https://metabase.example.com/?",
        "https://metabase.example.com#a",
        "https://user:password@metabase.example.com",
        "https://metabase.example.com/a b",
        "https://metabase.example.com\n",
        "https://bücher.example",
        "https://metabase.example.com:port",
        "https://metabase.example.com:99999",
        "https://meta..example.com",
        "https://-metabase.example.com",
        " https://metabase.example.com",
        "https://metabase.example.com/./x",
        "https://metabase.example.com/../x",
        "https://metabase.example.com/a//b",
        "https://metabase.example.com/%2e%2e",
        "https://[::g]",
        "https://[::1",
        "https://[v1.a:b]",
        "https://metabase.example.com\\@evil.example",
    ],
)
def test_no_instance(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_instance_url(url)
    assert "password" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (
            "https://bücher.example",
            (
                "must have its international domain in punycode, as browsers send it:"
                " xn--bcher-kva.example"
            ),
        ),
        (
            "https://user:password@straße.example",
            "must have its international domain in punycode, as browsers send it (xn--...)",
        ),
        (
            "https://a..bücher.example",
            "must have its international domain in punycode, as browsers send it (xn--...)",
        ),
        ("https://example.com/bücher", "has characters that a URL may not have"),
        ("https://metabase.example.com ", "has characters that a URL may not have"),
        ("metabase.example.com", "is not an absolute http or https URL"),
        ("https://metabase.example.com#a", "has a query, a fragment or credentials"),
        ("https://user:password@metabase.example.com", "has a query, a fragment or credentials"),
        ("https://metabase.example.com/a//b", "has a path that is not a plain prefix"),
        ("https://meta..example.com", "does not have a valid host name"),
        ("https://metabase.example.com:0443", "does not have a valid host and port"),
    ],
)
def test_reasons(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        parse_instance_url(url)
