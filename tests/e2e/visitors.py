"""People at a browser, and what Metabase knows of them."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import BrowserContext, FrameLocator, Page

PASSWORD = "a password for the tests"


class Metabase:
    """The stand-in, asked and set up over HTTP."""

    def __init__(self, url: str, context: BrowserContext) -> None:
        self.url = url
        self.request = context.request

    def change(self, **values: Any) -> None:
        """Change its settings."""
        answer = self.request.patch(f"{self.url}/standin/settings", data=values)
        assert answer.ok, answer.text()

    def state(self) -> Any:
        """Return what it knows: accounts, sign-ins, sessions."""
        return self.request.get(f"{self.url}/standin/state").json()

    def signed_in(self) -> list[str]:
        """Return the addresses that signed in, in order."""
        return [entry["email"] for entry in self.state()["sign_ins"]]


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
