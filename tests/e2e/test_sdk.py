"""The published SDK, in a browser, on a page with an origin of its own."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, Response, expect
from rest_framework_simplejwt.tokens import AccessToken

from django_metabase_sso.contrib.rest_framework import using
from tests.e2e.browser import needs_sdk
from tests.e2e.sdk import VERSIONS
from tests.e2e.visitors import sign_in
from tests.helpers.configure import Configure
from tests.servers.standin import Metabase

pytestmark = [needs_sdk, pytest.mark.django_db(transaction=True)]
versions = pytest.mark.parametrize("version", VERSIONS)
NEWEST = VERSIONS[0]


class Embedded:
    """A page that embeds."""

    def __init__(self, page: Page, origin: str, site: str, metabase: Metabase) -> None:
        self.page = page
        self.origin = origin
        self.query = {"instance": metabase.url, "sso": f"{site}/sso/metabase"}

    def open(self, version: str, **query: str) -> None:
        self.page.goto(f"{self.origin}/{version}.html?{urlencode({**self.query, **query})}")

    def expect_status(self, status: str) -> None:
        expect(self.page.locator("#status")).to_contain_text(f'"status":"{status}"')

    def message(self) -> str:
        found: dict[str, str] = json.loads(self.page.inner_text("#status"))
        return found["message"]

    def call(self) -> None:
        """Call Metabase through the SDK."""
        self.page.locator("#result").evaluate("element => { element.textContent = '' }")
        self.page.click("#call")
        expect(self.page.locator("#result")).to_have_text("called")


@pytest.fixture
def embedded(
    page: Page, pages: str, site: str, metabase: Metabase, configure: Configure
) -> Embedded:
    configure(ALLOWED_ORIGINS=[pages])
    return Embedded(page, pages, site, metabase)


@versions
def test_signed_in(
    embedded: Embedded, site: str, people: dict[str, User], metabase: Metabase, version: str
) -> None:
    sign_in(embedded.page, site, "ada")
    embedded.open(version)
    embedded.expect_status("success")
    assert metabase.signed_in() == ["ada@example.com"]
    embedded.call()


@versions
@pytest.mark.parametrize("instance", [56, 58, 60, 63])
def test_older_versions_of_metabase(
    embedded: Embedded,
    site: str,
    people: dict[str, User],
    metabase: Metabase,
    version: str,
    instance: int,
) -> None:
    """With the hash that 56 wants back."""
    metabase.change(version=instance)
    sign_in(embedded.page, site, "ada")
    embedded.open(version)
    embedded.expect_status("success")
    assert metabase.signed_in() == ["ada@example.com"]


@versions
def test_anonymous(embedded: Embedded, metabase: Metabase, version: str) -> None:
    embedded.open(version)
    embedded.expect_status("error")
    assert "status: 401" in embedded.message()
    assert metabase.signed_in() == []


@versions
def test_refused(
    embedded: Embedded, site: str, people: dict[str, User], configure: Configure, version: str
) -> None:
    sign_in(embedded.page, site, "ada")
    configure(ACCESS_POLICY=lambda user, request: False)
    embedded.open(version)
    embedded.expect_status("error")
    assert "status: 403" in embedded.message()


@versions
def test_an_origin_that_is_not_allowed(
    embedded: Embedded,
    other_pages: str,
    site: str,
    people: dict[str, User],
    metabase: Metabase,
    version: str,
) -> None:
    sign_in(embedded.page, site, "ada")
    errors: list[str] = []
    embedded.page.on("console", lambda message: errors.append(message.text))
    embedded.origin = other_pages
    embedded.open(version)
    embedded.expect_status("error")
    assert any("blocked by CORS policy" in error for error in errors)
    assert "status:" not in embedded.message()  # the page could not read the 403
    assert metabase.signed_in() == []


@versions
def test_bearer_token(
    embedded: Embedded,
    people: dict[str, User],
    metabase: Metabase,
    configure: Configure,
    version: str,
) -> None:
    """SimpleJWT's own token, through Django REST framework; an expired one is refused."""
    configure(AUTHENTICATE=using("rest_framework_simplejwt.authentication.JWTAuthentication"))
    embedded.open(version, bearer=str(AccessToken.for_user(people["bob"])))
    embedded.expect_status("success")
    assert metabase.signed_in() == ["bob@example.com"]
    expired = AccessToken.for_user(people["ada"])
    expired.set_exp(lifetime=-timedelta(seconds=1))
    embedded.open(version, bearer=str(expired))
    embedded.expect_status("error")
    assert metabase.signed_in() == ["bob@example.com"]


def test_a_preflight_with_a_cookie(embedded: Embedded, site: str, people: dict[str, User]) -> None:
    """A credentialed request that the browser asks about first."""
    sign_in(embedded.page, site, "ada")
    embedded.page.goto(embedded.origin)
    answer = embedded.page.evaluate(
        """async (url) => {
            const response = await fetch(url, {
                credentials: "include", headers: {"Content-Type": "application/json"},
            });
            return [response.status, Object.keys(await response.json())];
        }""",
        f"{site}/sso/metabase",
    )
    assert answer == [200, ["jwt"]]


@versions
def test_refresh(
    embedded: Embedded,
    site: str,
    people: dict[str, User],
    metabase: Metabase,
    configure: Configure,
    version: str,
) -> None:
    configure(TOKEN_LIFETIME=2)
    sign_in(embedded.page, site, "ada")
    embedded.open(version)
    embedded.expect_status("success")
    embedded.call()
    before = metabase.signed_in()
    embedded.page.wait_for_timeout(2_500)
    embedded.call()
    after = metabase.signed_in()
    assert len(after) == len(before) + 1
    assert set(after) == {"ada@example.com"}


def accounts_shown(page: Page) -> set[str]:
    """Return the set in which the accounts are collected that Metabase says the page is."""
    found: set[str] = set()

    def remember(answer: Response) -> None:
        if "/api/user/current" in answer.url:
            found.add(answer.json()["email"])

    page.on("response", remember)
    return found


def test_two_profiles(
    browser: Browser,
    pages: str,
    site: str,
    people: dict[str, User],
    metabase: Metabase,
    configure: Configure,
) -> None:
    configure(ALLOWED_ORIGINS=[pages])
    with browser.new_context() as first, browser.new_context() as second:
        profiles = {
            name: Embedded(context.new_page(), pages, site, metabase)
            for name, context in [("ada", first), ("bob", second)]
        }
        for name, profile in profiles.items():
            sign_in(profile.page, site, name)
        seen = {name: accounts_shown(profile.page) for name, profile in profiles.items()}
        for profile in profiles.values():
            profile.open(NEWEST)
        for profile in profiles.values():
            profile.expect_status("success")
            profile.page.wait_for_load_state("networkidle")
    assert seen == {"ada": {"ada@example.com"}, "bob": {"bob@example.com"}}
    assert sorted(metabase.signed_in()) == ["ada@example.com", "bob@example.com"]


@versions
def test_the_sdk_does_not_ask_again_after_a_401_and_the_wrapper_does(
    embedded: Embedded, site: str, people: dict[str, User], metabase: Metabase, version: str
) -> None:
    bare = Embedded(embedded.page.context.new_page(), embedded.origin, site, metabase)
    bare.open(version)
    bare.expect_status("error")
    embedded.open(version, wrapper="1")
    expect(embedded.page.locator("#fallback")).to_be_visible()

    other_tab = embedded.page.context.new_page()
    sign_in(other_tab, site, "ada")

    bare.page.evaluate("window.dispatchEvent(new Event('focus'))")
    embedded.page.evaluate("window.dispatchEvent(new Event('focus'))")
    embedded.expect_status("success")
    assert metabase.signed_in() == ["ada@example.com"]
    bare.expect_status("error")


@versions
def test_another_user_in_another_tab(
    embedded: Embedded, site: str, people: dict[str, User], metabase: Metabase, version: str
) -> None:
    sign_in(embedded.page, site, "ada")
    embedded.open(version, wrapper="1")
    embedded.expect_status("success")
    other_tab = embedded.page.context.new_page()
    sign_in(other_tab, site, "bob")
    with embedded.page.expect_response(re.compile("/api/user/current")) as answer:
        embedded.page.evaluate("window.dispatchEvent(new Event('focus'))")
    assert answer.value.json()["email"] == "bob@example.com"
    embedded.expect_status("success")
    assert metabase.signed_in() == ["ada@example.com", "bob@example.com"]
