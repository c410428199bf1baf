"""People at a browser."""

from __future__ import annotations

from playwright.sync_api import FrameLocator, Page

PASSWORD = "a password for the tests"


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


def frame(page: Page, element: str, number: int = 0) -> FrameLocator:
    """Return what a component of a page shows, by its element and its place among these."""
    return page.locator(element).nth(number).locator("iframe").content_frame
