from __future__ import annotations

import pytest

from django_metabase_sso.client.paths import check_path


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/dashboard",
        "/api/card?f=all&x=..",
        "/api/card/1/query/csv",
        "/api/a..b/...",
        "/api/%41",
        "/api/%zz",
        "/api/Übersicht",
        "/api/a b",
    ],
)
def test_good(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "api/dashboard",
        "//evil.example/api",
        "///evil.example",
        "http://evil.example/",
        "@evil.example/",
        ":80@evil.example/",
        ".evil.example/",
        "\\evil.example",
        "/\\evil.example",
        "/api\\..\\x",
        "/api/x#y",
        "/api/\r\nHost: evil.example",
        "/api/\t",
        "/api/\0",
        "/api/\u2028",
        "/..",
        "/.",
        "/../secret",
        "/api/../../secret",
        "/api/./x",
        "/api/%2e%2e/x",
        "/api/.%2E/x",
        "/api/..%2fx",
        "/api/%252e%252e/x",
        "/api/%25252e%25252e/x",
        "/api/..;/x",
        "/api/..;a=b/x",
        "/api/%2e%2e%3b/x",
        "/api/%5c..",
        "/api/%0d%0aX: y",
        "/api/%00",
        "/%2525252525252e%2525252525252e",
        "/api/" + "%25" * 2 + "25" * 9 + "2e",
    ],
)
def test_bad(path: str) -> None:
    with pytest.raises(ValueError, match="the path"):
        check_path(path)
