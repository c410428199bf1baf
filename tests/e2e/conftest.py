from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.conftest import Configure
from tests.e2e.browser import chromium
from tests.e2e.sdk import build_pages
from tests.e2e.servers import page_server, standin
from tests.test_redacted import JWT

# Playwright runs an event loop in this thread, and Django would refuse to query beside it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
expect.set_options(timeout=15_000)
PASSWORD = "a password for the tests"


class Metabase:
    """The stand-in, asked and set up over HTTP."""

    def __init__(self, url: str, context: BrowserContext) -> None:
        self.url = url
        self.request = context.request

    def state(self) -> Any:
        """Return what it knows: accounts, sign-ins, sessions."""
        return self.request.get(f"{self.url}/standin/state").json()

    def signed_in(self) -> list[str]:
        """Return the addresses that signed in, in order."""
        return [entry["email"] for entry in self.state()["sign_ins"]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of the pages with the SDK, which ALLOWED_ORIGINS names."""
    with page_server(build_pages()) as url:
        yield url


@pytest.fixture(scope="session")
def other_pages() -> Iterator[str]:
    """The same pages, on an origin that is not allowed."""
    with page_server(build_pages()) as url:
        yield url


@pytest.fixture(scope="session")
def standin_url(
    live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    log = tmp_path_factory.mktemp("standin") / "log"
    identity_provider = f"{live_server.url}/sso/metabase"
    with standin(identity_provider, [live_server.url], log) as url:
        yield url
    assert_no_token(log)


def assert_no_token(log: Path) -> None:
    """The stand-in's log is what a person looks at: it must not hold what it was sent."""
    assert JWT.search(log.read_text()) is None


@pytest.fixture
def site(live_server: LiveServer, standin_url: str, configure: Configure) -> str:
    """The address of the Django site, which signs in to the stand-in."""
    configure(INSTANCE_URL=standin_url)
    return str(live_server.url)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of its own."""
    with browser.new_context() as profile:
        profile.set_default_timeout(15_000)
        yield profile


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def metabase(standin_url: str, browser: Browser) -> Iterator[Metabase]:
    with browser.new_context() as own:
        own.request.post(f"{standin_url}/standin/reset")
        yield Metabase(standin_url, own)


@pytest.fixture
def people(site: str) -> dict[str, User]:
    """Ada and Bob, who have a password."""
    return {
        name: User.objects.create_user(name, f"{name}@example.com", PASSWORD)
        for name in ("ada", "bob")
    }


def enter(page: Page, name: str) -> None:
    """Fill in the login page that is shown."""
    page.fill("[name=username]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("button")


def sign_in(page: Page, site: str, name: str) -> None:
    """Sign in at the Django site."""
    page.goto(f"{site}/login/?next=/other/")
    enter(page, name)
    page.wait_for_url(f"{site}/other/")
