"""What a Content-Security-Policy has to allow."""

from __future__ import annotations

from typing import Any

import pytest
from csp.constants import NONCE

from django_metabase_sso.csp import FALLBACKS, blocked_directives, csp_sources
from tests.helpers.configure import Configure

urlpatterns: list[Any] = []  # of a project that forgot ours
ORIGIN = "https://metabase.example.com"


def test_sources(configure: Configure) -> None:
    expected = {
        "script-src": ["'self'", ORIGIN],
        "frame-src": ["'self'", ORIGIN],
        "connect-src": ["'self'", ORIGIN],
    }
    assert csp_sources() == csp_sources(f"{ORIGIN}/metabase/") == expected
    assert csp_sources(full_app=True) == {**expected, "form-action": ["'self'", ORIGIN]}
    configure(INSTANCE_URL="http://localhost:3000")
    assert csp_sources()["script-src"] == ["'self'", "http://localhost:3000"]


def test_a_bad_address() -> None:
    with pytest.raises(ValueError, match="absolute http"):
        csp_sources("metabase")


def test_the_sources_block_nothing() -> None:
    assert blocked_directives(csp_sources(full_app=True), ORIGIN) == []


@pytest.mark.parametrize(
    ("policy", "blocked"),
    [
        ({}, []),
        ({"default-src": ["'self'"]}, list(FALLBACKS)[:-1]),
        ({"default-src": "'self'"}, list(FALLBACKS)[:-1]),
        ({"default-src": ["*"]}, []),
        ({"default-src": ["https:"]}, []),
        ({"default-src": ["http:"]}, []),
        ({"default-src": [ORIGIN]}, []),
        ({"default-src": ["'none'"], "script-src": [ORIGIN]}, list(FALLBACKS)[1:-1]),
        ({"child-src": ["'self'"]}, ["frame-src"]),
        ({"child-src": ["'self'"], "frame-src": [ORIGIN]}, []),
        ({"script-src-elem": ["'self'"], "script-src": [ORIGIN]}, ["script-src"]),
        ({"style-src": ["'self'"], "img-src": ["'self'"], "font-src": ["'none'"]}, []),
        ({"form-action": ["'self'"]}, ["form-action"]),
        ({"script-src": ["'self'", NONCE]}, []),
        ({"script-src": ["'strict-dynamic'", "<CSP_NONCE_SENTINEL>"]}, []),
        ({"script-src": [], "default-src": ["*"]}, ["script-src"]),
        ({"script-src": False}, ["script-src"]),
    ],
)
def test_blocked(policy: dict[str, Any], blocked: list[str]) -> None:
    assert blocked_directives(policy, ORIGIN) == blocked


@pytest.mark.parametrize(
    ("source", "allowed"),
    [
        ("metabase.example.com", True),
        ("METABASE.example.com", True),
        ("*.example.com", True),
        ("https://*.example.com", True),
        ("http://metabase.example.com", True),
        (f"{ORIGIN}/", True),
        (f"{ORIGIN}:*", True),
        ("*.metabase.example.com", False),
        ("example.com", False),
        ("https://example.com", False),
        (f"{ORIGIN}:8443", False),
        ("wss://metabase.example.com", False),
        ("data:", False),
        ("'unsafe-inline'", False),
    ],
)
def test_one_source(source: str, allowed: bool) -> None:
    assert (blocked_directives({"frame-src": [source]}, ORIGIN) == []) is allowed


def test_a_plain_instance_with_a_port() -> None:
    origin = "http://localhost:3000"
    assert blocked_directives({"frame-src": ["http://localhost:3000"]}, origin) == []
    assert blocked_directives({"frame-src": ["localhost:*"]}, origin) == []
    assert blocked_directives({"frame-src": ["https://localhost:3000"]}, origin) == ["frame-src"]
    assert blocked_directives({"frame-src": ["localhost"]}, origin) == ["frame-src"]


def test_an_instance_on_this_site() -> None:
    assert blocked_directives({"default-src": ["'self'"]}, ORIGIN, is_self=True) == []
    assert blocked_directives({"frame-src": ["data:"]}, ORIGIN, is_self=True) == ["frame-src"]
