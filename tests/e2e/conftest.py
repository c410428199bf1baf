from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.browser import chromium
from tests.e2e.page_server import page_server
from tests.e2e.sdk import build_pages
from tests.e2e.visitors import PASSWORD
from tests.helpers.configure import Configure
from tests.helpers.redaction import JWT
from tests.servers.standin import Metabase, standin

# Playwright runs an event loop in this thread, and Django would refuse to query beside it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
expect.set_options(timeout=15_000)


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
    # A person looks at this log: it must not hold what the stand-in was sent.
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
def metabase(standin_url: str) -> Metabase:
    """The stand-in as new."""
    found = Metabase(standin_url)
    found.reset()
    return found


@pytest.fixture
def people(site: str) -> dict[str, User]:
    """Ada and Bob, who have a password."""
    return {
        name: User.objects.create_user(name, f"{name}@example.com", PASSWORD)
        for name in ("ada", "bob")
    }
