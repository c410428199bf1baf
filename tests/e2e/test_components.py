"""Web components, guests and the way out, as the stand-in's own scripts have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from example_project.standin.start import API_KEY
from tests.e2e.browser import needs_chromium
from tests.e2e.embed_pages import guest_params
from tests.e2e.page_server import page_server
from tests.e2e.visitors import sign_in
from tests.helpers.configure import Configure
from tests.servers.standin import Metabase
from tests.settings import EMBEDDING_SECRET

pytestmark = [
    needs_chromium,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.e2e.embed_pages"),
]
DASHBOARD = '<metabase-dashboard dashboard-id="1"></metabase-dashboard>'


@dataclass
class FrontEnd:
    """A browser on pages that a test makes up, on an origin that the Django site lets in."""

    page: Page
    site: str
    metabase: Metabase
    folder: Path
    origin: str

    @property
    def provider(self) -> str:
        return f"{self.site}/sso/metabase"

    def config(self, **values: Any) -> str:
        """Return a script that configures, before embed.js."""
        keys = {"instanceUrl": f'"{self.metabase.url}"', **values}
        text = ", ".join(f"{key}: {value}" for key, value in keys.items())
        return f"<script>window.metabaseConfig = {{{text}}};</script>"

    def show(self, body: str) -> None:
        """Open a page with this HTML, and embed.js at its end."""
        script = f'<script src="{self.metabase.url}/app/embed.js"></script>'
        name = f"{len(list(self.folder.iterdir()))}.html"  # another one, which is not cached
        (self.folder / name).write_text(f"<!DOCTYPE html>{body}{script}")
        self.page.goto(f"{self.origin}/{name}")

    def component(self, number: int = 0) -> Locator:
        """Return the page inside of a component."""
        frames = self.page.locator("iframe")
        return frames.nth(number).content_frame.locator("#page")

    def expect_rows(self, number: int = 0) -> None:
        expect(self.component(number).locator("#rows")).to_contain_text("48 rows")

    def how(self) -> list[str]:
        """Return how people signed in, in order."""
        return [entry["how"] for entry in self.metabase.state()["sign_ins"]]


@pytest.fixture
def at(
    page: Page,
    site: str,
    metabase: Metabase,
    people: dict[str, User],
    configure: Configure,
    tmp_path: Path,
) -> Iterator[FrontEnd]:
    """Ada's browser, which is signed in to the Django site."""
    sign_in(page, site, "ada")
    with page_server(tmp_path) as origin:
        configure(ALLOWED_ORIGINS=[origin])
        yield FrontEnd(page, site, metabase, tmp_path, origin)


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the console says of errors."""
    said: list[str] = []
    page.on("console", lambda line: said.extend([line.text] * (line.type == "error")))
    return said


# Signing in


@pytest.mark.parametrize(
    ("version", "how"), [(56, "GET"), (58, "GET"), (60, "POST"), (63, "POST"), (65, "POST")]
)
def test_how_a_token_is_brought(at: FrontEnd, version: int, how: str) -> None:
    at.metabase.change(version=version)
    at.show(at.config() + DASHBOARD)
    at.expect_rows()
    assert at.how() == [how]


def test_each_component_signs_in_by_itself_and_again_when_it_is_moved(at: FrontEnd) -> None:
    at.show(at.config() + DASHBOARD * 3 + "<p id=other></p>")
    for number in range(3):
        at.expect_rows(number)
    assert len(at.how()) == at.metabase.state()["sessions"] == 3
    at.page.evaluate("other.append(document.querySelector('metabase-dashboard'))")
    expect(at.page.locator("#other iframe").content_frame.locator("#rows")).to_be_visible()
    assert len(at.how()) == 4


def test_a_function_of_the_pages_own(at: FrontEnd) -> None:
    call = f'fetch("{at.provider}?response=json", {{credentials: "include"}})'
    fetched = f"async () => (await {call}).json()"
    at.show(at.config(fetchRequestToken=fetched) + DASHBOARD)
    at.expect_rows()


def test_a_refusal_is_shown_with_its_status_and_stays(at: FrontEnd) -> None:
    at.page.context.clear_cookies()
    at.show(at.config() + DASHBOARD)
    error = at.component().locator("#error")
    expect(error).to_have_text(f"Failed to fetch JWT token from {at.provider}, status: 401.")
    at.metabase.change(jwt_shared_secret="another secret")
    sign_in(at.page, at.site, "ada")
    at.show(at.config() + DASHBOARD)
    expect(error).to_have_text("Failed to sign in, status: 401.")
    at.metabase.change(enable_embedding_modular=False)
    at.show(at.config() + DASHBOARD)
    expect(error).to_have_text("Failed to reach Metabase's /auth/sso, status: 402.")


def test_saml(at: FrontEnd) -> None:
    at.metabase.change(saml_enabled=True)
    at.show(at.config(preferredAuthMethod='"jwt"') + DASHBOARD)
    at.expect_rows()
    at.show(at.config() + DASHBOARD)
    expect(at.component().locator("#error")).to_have_text("The sign-in method is saml.")


def test_an_api_key_for_local_development(at: FrontEnd) -> None:
    at.page.context.clear_cookies()
    at.show(at.config(apiKey=f'"{API_KEY}"') + DASHBOARD)
    at.expect_rows()
    assert at.how() == []


def test_one_way_in_at_a_time(at: FrontEnd, complaints: list[str]) -> None:
    """Components: the console says it, and the element stays empty."""
    at.show(at.config(apiKey=f'"{API_KEY}"', preferredAuthMethod='"jwt"') + DASHBOARD)
    assert at.page.locator("iframe").count() == 0
    assert "only one of them" in complaints[0]
    assert at.how() == []


# The configuration


def test_assignments_are_merged(at: FrontEnd) -> None:
    """Before and after embed.js, key by key as well; `isGuest` stays until it is set."""
    at.show(at.config(isGuest="true"))
    at.page.evaluate("window.metabaseConfig = {locale: 'de'}")
    at.page.evaluate("window.metabaseConfig.theme = {preset: 'dark'}")
    found = at.page.evaluate("({...window.metabaseConfig})")
    expected = {"instanceUrl": at.metabase.url, "isGuest": True, "locale": "de"}
    assert found == {**expected, "theme": {"preset": "dark"}}
    at.page.evaluate("window.metabaseConfig.isGuest = false")
    at.page.evaluate(f"document.body.insertAdjacentHTML('beforeend', `{DASHBOARD}`)")
    at.expect_rows()


@pytest.mark.parametrize(
    "key", ["instanceUrl", "isGuest", "useExistingUserSession", "fetchRequestToken"]
)
def test_keys_that_cannot_be_changed(at: FrontEnd, key: str) -> None:
    """Nothing of such an assignment counts."""
    at.show(at.config(**({} if key == "instanceUrl" else {key: "true"})))
    message = at.page.evaluate(
        f"""() => {{ try {{ window.metabaseConfig = {{locale: "de", {key}: "another"}} }}
            catch (error) {{ return error.message }} }}"""
    )
    assert message == f"{key} cannot be changed once it is set."
    assert at.page.evaluate("window.metabaseConfig.locale ?? null") is None


@pytest.mark.parametrize(
    ("key", "version", "is_known"),
    [
        ("jwtProviderUri", 58, False),
        ("jwtProviderUri", 60, True),
        ("guestEmbedProviderUri", 58, False),
        ("guestEmbedProviderUri", 60, True),
        ("allowedCustomVisualizations", 60, False),
        ("allowedCustomVisualizations", 63, True),
    ],
)
def test_keys_of_newer_versions(at: FrontEnd, key: str, version: int, is_known: bool) -> None:
    """Ignored before embed.js, an error afterwards, which takes the whole assignment with it."""
    at.metabase.change(version=version)
    at.show(at.config(**{key: '"x"'}))
    assert (at.page.evaluate("window.metabaseConfig")[key] if is_known else "x") == "x"
    assert at.page.evaluate(f"'{key}' in window.metabaseConfig") is is_known
    threw = at.page.evaluate(
        f"""() => {{ try {{ window.metabaseConfig = {{locale: "de", {key}: "x"}}; return false }}
            catch {{ return true }} }}"""
    )
    assert threw is not is_known
    assert at.page.evaluate("window.metabaseConfig.locale ?? null") == ("de" if is_known else None)


def test_an_element_without_a_configuration(at: FrontEnd, complaints: list[str]) -> None:
    """Components: a configuration that comes later helps only where the element is moved."""
    at.show(DASHBOARD)
    at.page.evaluate(f"window.metabaseConfig = {{instanceUrl: '{at.metabase.url}'}}")
    assert at.page.locator("iframe").count() == 0
    assert "instanceUrl must be provided" in complaints[0]
    at.page.evaluate("document.body.prepend(document.querySelector('metabase-dashboard'))")
    at.expect_rows()


def test_a_provider_for_guests_is_asked_whatever_is_guest_says(at: FrontEnd) -> None:
    """As on a page that htmx swaps in, which does not take the provider away."""
    provider = f"{at.provider}/guest-token"
    at.show(at.config(isGuest="false", guestEmbedProviderUri=f'"{provider}"') + DASHBOARD)
    text = f"Failed to fetch JWT token from {provider}, status: 403."
    expect(at.component().locator("#error")).to_have_text(text)


def test_the_script_can_run_twice(at: FrontEnd) -> None:
    at.show(at.config() + f'<script src="{at.metabase.url}/app/embed.js"></script>' + DASHBOARD)
    at.expect_rows()
    assert at.how() == ["POST"]


# How it looks


def test_heights_and_titles(at: FrontEnd) -> None:
    """At least 600 px, else as high as the element, and never another height."""
    style = "<style>.tall { height: 900px } .low { height: 100px }</style>"
    low, tall = (DASHBOARD.replace(" ", f" class={name} ", 1) for name in ("low", "tall"))
    at.show(at.config() + style + low + tall)
    for number, height in enumerate((600, 900)):
        at.expect_rows(number)
        box = at.page.locator("iframe").nth(number).bounding_box()
        assert box
        assert box["height"] == height
    assert at.page.locator("iframe[title]").count() == 0


def test_attributes(at: FrontEnd) -> None:
    attributes = """auto-refresh-interval="60" with-title="" with-downloads="true" drills="false"
        initial-parameters='{"a": [1]}' parameters="[" hidden-parameters='["x"]'
        enable-entity-navigation="007" with-alerts="true" data-x="1" unknown="1" """
    at.show(at.config() + DASHBOARD.replace(" ", f" {attributes}", 1))
    text = (
        "Attributes of the element: dashboard-id = 1, auto-refresh-interval = 60, "
        "with-title = true, with-downloads = true, drills = false, "
        'initial-parameters = {"a":[1]}, parameters = "[", hidden-parameters = ["x"], '
        "enable-entity-navigation = 7"
    )
    expect(at.component().locator("#options")).to_have_text(text)


# Guests


@pytest.mark.parametrize(
    ("version", "written", "arrives"),
    [
        (65, "007", 7),
        (65, "", True),
        (65, "true", True),
        (65, '{"a": 1}', {"a": 1}),
        (65, "12345678901234567891", 12345678901234567000),
        (65, "plain", "plain"),
        (60, '{"a": 1}', '{"a": 1}'),
        (60, "007", "007"),
    ],
)
def test_the_context_of_a_guest(
    at: FrontEnd, configure: Configure, version: int, written: str, arrives: object
) -> None:
    seen: list[object] = []

    def params(request: Any, kind: str, number: int, context: object) -> Any:
        seen.append(context)
        return guest_params(request, kind, number, None)

    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, GUEST_PARAMS=params)
    at.metabase.change(version=version)
    guest = at.config(isGuest="true", guestEmbedProviderUri=f'"{at.provider}/guest-token"')
    element = (
        f"<metabase-dashboard dashboard-id=10 custom-context='{written}'></metabase-dashboard>"
    )
    with at.page.expect_request("**/guest-token?response=json") as asked:
        at.show(guest + element)
    expect(at.component().locator("#rows")).to_contain_text("12 rows; north")
    body = asked.value.post_data_json
    assert body == {"entityType": "dashboard", "entityId": 10, "customContext": arrives}
    assert len(seen) == 1


@pytest.mark.parametrize(("attribute", "number"), [("dashboard-id=11", 11), ("", 10)])
def test_the_item_that_a_guest_asks_for(at: FrontEnd, attribute: str, number: int) -> None:
    """When a token has expired: that of the attribute, or else that of the token."""
    claims = {"resource": {"dashboard": 10}, "params": {"region": "north"}, "exp": 1}
    expired = jwt.encode(claims, EMBEDDING_SECRET)
    with at.page.expect_request(f"{at.origin}/guests?response=json") as asked:
        at.show(
            at.config(isGuest="true", guestEmbedProviderUri='"/guests"')
            + f"<metabase-dashboard token={expired} {attribute}></metabase-dashboard>"
        )
    assert asked.value.post_data_json == {"entityType": "dashboard", "entityId": number}


# The way out


def test_the_page_of_the_way_out_ends_a_session_by_its_script(at: FrontEnd) -> None:
    at.page.goto(f"{at.metabase.url}/dashboard/1")
    assert at.metabase.state()["sessions"] == 1
    at.page.request.get(f"{at.metabase.url}/auth/logout")
    assert at.metabase.state()["sessions"] == 1
    at.page.goto(f"{at.metabase.url}/auth/logout")
    expect(at.page.locator("#signed-out")).to_have_text("You are signed out of Metabase")
    assert at.metabase.state()["sessions"] == 0
