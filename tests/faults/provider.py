"""Faults in the Identity Provider URI that is set in Metabase."""

from __future__ import annotations

from typing import Any

from tests.faults.entry import Fault, metabase, paste_uri
from tests.faults.tools import ANSWER, DOCTOR
from tests.faults.working import API, Working


def provider(before: str, after: str) -> Any:
    """Return a function that sets the Identity Provider URI in Metabase to a wrong URL."""

    def change(working: Working, *printed: str) -> None:
        url = f"{API if working.kind == 'front end' else working.site.url}/sso/metabase"
        uri = url.replace(before, after)
        working.metabase.change(jwt_identity_provider_uri=uri)

    return change


def page_at(start: str) -> Any:
    """Return a function that opens the site at another name of this machine."""

    def change(working: Working, *printed: str) -> None:
        working.origin = f"{start}:{working.site.port}"

    return change


PROVIDER = [
    Fault(
        "the Identity Provider URI has a path prefix that the site does not have",
        provider("/sso", "/app/sso"),
        {DOCTOR: "cache"},
        provider("", ""),
    ),
    Fault(
        "the Identity Provider URI has the wrong path",
        provider("/sso", "/metabase"),
        {DOCTOR: "identity-provider"},
        paste_uri,
    ),
    Fault(
        "the Identity Provider URI is the URL for guest tokens",
        provider("/metabase", "/metabase/guest-token"),
        {DOCTOR: "identity-provider", ANSWER: "method-not-allowed"},
        paste_uri,
    ),
    Fault(
        "the Identity Provider URI has the wrong host",
        metabase(jwt_identity_provider_uri="https://other.example/sso/metabase"),
        {DOCTOR: "identity-provider"},
        provider("", ""),
    ),
    Fault(
        "the Identity Provider URI has the wrong port",
        lambda working: working.metabase.change(
            jwt_identity_provider_uri="http://localhost:1/sso/metabase"
        ),
        {DOCTOR: "cache"},
        provider("", ""),
    ),
    Fault(
        "the Identity Provider URI is http, but Django redirects to https",
        provider("https:", "http:"),
        {DOCTOR: "identity-provider"},
        paste_uri,
        kind="proxy",
    ),
    Fault(
        "the Identity Provider URI is https, but Django answers only http",
        provider("http:", "https:"),
        {DOCTOR: "cache"},
        provider("", ""),
        is_seen=False,
    ),
    Fault(
        "the Identity Provider URI is empty",
        metabase(jwt_identity_provider_uri=""),
        {DOCTOR: "sso"},
        provider("", ""),
    ),
    Fault(
        "the page is opened at `http://127.0.0.1`, but the Identity Provider URI has `localhost`",
        page_at("http://127.0.0.1"),
        {DOCTOR: "our-cors"},
        page_at("http://localhost"),
        is_seen=False,
    ),
]
