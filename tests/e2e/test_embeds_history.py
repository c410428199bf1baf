"""Pages with embeds that the browser, htmx or Turbo shows without loading them."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, expect

from tests.e2e.browser import needs_chromium, needs_sdk
from tests.e2e.embed_pages import guest_params, region_of
from tests.e2e.sdk import VERSIONS, install_tools
from tests.e2e.visitors import frame, sign_in
from tests.helpers.configure import Configure
from tests.servers.standin import Metabase
from tests.settings import EMBEDDING_SECRET

pytestmark = [
    needs_chromium,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.e2e.embed_pages"),
]


@pytest.fixture(autouse=True)
def _rows(configure: Configure, metabase: Metabase) -> None:
    configure(USER_ATTRIBUTES=region_of)


def go_back(page: Page) -> None:
    """Press the Back button; Playwright's own way to do it waits for a page that is loaded."""
    page.evaluate("window.history.back()")
    page.wait_for_url("**/page/**", wait_until="commit")


def test_back_after_signing_out(page: Page, site: str, people: dict[str, User]) -> None:
    sign_in(page, site, "ada")
    page.goto(f"{site}/page/components/")
    shown = frame(page, "metabase-dashboard")
    expect(shown.locator("#rows")).to_contain_text("north")
    page.evaluate("window.isOld = true")
    page.context.clear_cookies()  # she signs out, in another tab
    page.goto(f"{site}/other/")
    go_back(page)
    expect(shown.locator("#error")).to_contain_text("status: 401")
    expect(shown.locator("#rows")).to_have_count(0)
    assert page.evaluate("window.isOld") is None


@needs_sdk
def test_back_to_the_wrapper_of_the_readme(
    page: Page,
    site: str,
    people: dict[str, User],
    pages: str,
    metabase: Metabase,
    configure: Configure,
) -> None:
    configure(ALLOWED_ORIGINS=[pages])
    query = {"instance": metabase.url, "sso": f"{site}/sso/metabase", "wrapper": "1"}
    sign_in(page, site, "ada")
    page.goto(f"{pages}/{VERSIONS[0]}.html?{urlencode(query)}")
    expect(page.locator("#status")).to_contain_text("success")
    page.context.clear_cookies()
    page.goto(f"{site}/other/")
    page.evaluate("window.history.back()")
    expect(page.locator("#fallback")).to_be_visible()
    expect(page.locator("#status")).to_have_count(0)


def test_the_browser_keeps_pages(page: Page, site: str) -> None:
    """Or else the test above would pass with any script."""
    page.goto(f"{site}/page/signed-out/")
    page.evaluate("window.isOld = true")
    page.goto(f"{site}/other/")
    go_back(page)
    assert page.evaluate("window.isOld") is True


def components_of(page: Page) -> list[int]:
    """Return how many frames each component has."""
    counts: list[int] = page.evaluate(
        """[...document.querySelectorAll("metabase-dashboard, metabase-question, metabase-browser,"
            + "metabase-metabot")].map((each) => each.querySelectorAll("iframe").length)"""
    )
    return counts


@needs_sdk
@pytest.mark.parametrize("library", ["htmx", "turbo"])
def test_bodies_that_are_swapped(
    page: Page,
    site: str,
    people: dict[str, User],
    configure: Configure,
    metabase: Metabase,
    library: str,
) -> None:
    """Each page gets its own configuration, whatever the last one was."""
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, GUEST_PARAMS=guest_params)
    install_tools()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    sign_in(page, site, "ada")
    page.goto(f"{site}/swapped/{library}/other/")
    page.evaluate("window.isOld = true")

    def expect_components() -> None:
        dashboard = frame(page, "metabase-dashboard")
        expect(dashboard.locator("#who")).to_contain_text("ada@example.com")
        expect(frame(page, "metabase-browser").locator("#collections")).to_contain_text("ada")
        assert components_of(page) == [1, 1, 1, 1]

    def expect_guests() -> None:
        for number in range(2):
            shown = frame(page, "metabase-question", number)
            expect(shown.locator("#rows")).to_contain_text("north")
            expect(shown.locator("#who")).to_contain_text("a guest")
        assert components_of(page) == [1, 1]

    def follow(name: str) -> None:
        page.get_by_role("link", name=name, exact=True).click()
        page.wait_for_url(f"**/{name}/")

    follow("components")
    expect_components()
    follow("asked")
    expect_guests()
    follow("components")
    expect_components()
    follow("other")
    follow("components")
    expect_components()
    follow("asked")
    expect_guests()
    page.evaluate("window.history.back()")
    page.wait_for_url("**/components/", wait_until="commit")
    expect_components()
    page.evaluate("window.history.forward()")
    page.wait_for_url("**/asked/", wait_until="commit")
    expect_guests()
    assert page.evaluate("window.isOld") is True
    assert errors == []


@needs_sdk
@pytest.mark.parametrize("library", ["htmx", "turbo"])
def test_a_configuration_that_comes_late(
    page: Page,
    site: str,
    people: dict[str, User],
    configure: Configure,
    metabase: Metabase,
    library: str,
) -> None:
    """By then, the components of the new page have begun with that of the old one."""
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, GUEST_PARAMS=guest_params)
    install_tools()
    sign_in(page, site, "ada")
    page.goto(f"{site}/swapped/{library}/asked/")
    expect(frame(page, "metabase-question").locator("#rows")).to_contain_text("north")

    def later(route: Route) -> None:
        expect(frame(page, "metabase-dashboard").locator("#error")).to_contain_text("403")
        route.continue_()

    page.route("**/config.js", later)
    page.get_by_role("link", name="components", exact=True).click()
    dashboard = frame(page, "metabase-dashboard")
    expect(dashboard.locator("#who")).to_contain_text("ada@example.com")
    assert components_of(page) == [1, 1, 1, 1]
