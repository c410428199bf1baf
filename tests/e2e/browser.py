"""Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NPM = shutil.which("npm")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name but localhost resolves: nothing else is there to be asked.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt: chromium)")
needs_sdk = pytest.mark.skipif(
    CHROMIUM is None or NPM is None, reason="needs Chromium (apt: chromium) and Node with npm"
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser with an empty profile; close it at the end.

    It keeps pages alive for the Back button, as people's browsers do and Playwright's does not.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=OPTIONS,
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()


def watch_hosts(context: BrowserContext) -> set[str]:
    """Return the set in which the hosts that the browser asks are collected."""
    hosts: set[str] = set()
    context.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
    return hosts
