"""The template tags and guest embeds, as a browser shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_started
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django import Settings

from example_project.standin.start import API_KEY
from tests.e2e.browser import needs_chromium, watch_hosts
from tests.e2e.embed_pages import HOSTILE, REGIONS, guest_params, region_of
from tests.e2e.page_server import page_server
from tests.e2e.visitors import frame, sign_in
from tests.helpers.configure import Configure
from tests.helpers.markdown import blocks
from tests.servers.ports import free_port
from tests.servers.standin import Metabase
from tests.settings import EMBEDDING_SECRET

pytestmark = [
    needs_chromium,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.e2e.embed_pages"),
]
LATE = 70  # seconds: a guest token goes on for 60 of them after its end
FOREIGN_PAGE = """<!DOCTYPE html><title>Another origin</title>
<script>window.metabaseConfig = {{
  isGuest: true,
  instanceUrl: "{instance}",
  guestEmbedProviderUri: "{site}/sso/metabase/guest-token",
}};</script>
<script defer src="{instance}/app/embed.js"></script>
<metabase-dashboard dashboard-id="10"></metabase-dashboard>"""


@pytest.fixture(autouse=True)
def _embeds(configure: Configure, metabase: Metabase) -> None:
    configure(
        USER_ATTRIBUTES=region_of, EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, GUEST_PARAMS=guest_params
    )


@pytest.fixture
def errors(page: Page) -> list[str]:
    """What the browser complains of: scripts that fail, a policy that is violated."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda message: found.extend([message.text] * (message.type == "error")))
    return found


@pytest.fixture
def methods() -> Iterator[list[str]]:
    """The methods in which the guest token endpoint was asked."""
    found: list[str] = []

    def note(environ: dict[str, str], **kwargs: object) -> None:
        if environ["PATH_INFO"] == "/sso/metabase/guest-token":
            found.append(environ["REQUEST_METHOD"])

    request_started.connect(note)
    yield found
    request_started.disconnect(note)


def test_components(
    page: Page, site: str, people: dict[str, User], errors: list[str], metabase: Metabase
) -> None:
    sign_in(page, site, "ada")
    page.goto(f"{site}/page/components/")
    dashboard = frame(page, "metabase-dashboard")
    expect(dashboard.locator("#rows")).to_contain_text("12 rows; north")
    expect(dashboard.locator("#who")).to_contain_text("ada@example.com")
    expect(dashboard.locator("#attributes")).to_contain_text('region = "north"')
    expect(dashboard.locator("#options")).to_contain_text("with-title = false")
    # What is hostile is text wherever it goes, and runs nowhere.
    expect(dashboard.locator("#options")).to_contain_text("window.hacked = 1")
    question = page.locator("metabase-question")
    expect(question).to_have_attribute("target-collection", HOSTILE)
    expect(question).to_have_attribute("question-id", "new")
    expect(frame(page, "metabase-browser").locator("#collections")).to_contain_text("ada")
    expect(frame(page, "metabase-metabot").locator("#metabot")).to_contain_text("Hello ada")
    assert page.evaluate("window.hacked") is None
    assert page.locator("script").count() == 2
    assert errors == []
    assert metabase.signed_in() == ["ada@example.com"] * 4  # once for each component


def test_nobody_is_signed_in(page: Page, site: str, metabase: Metabase) -> None:
    page.goto(f"{site}/page/components/")
    error = frame(page, "metabase-dashboard").locator("#error")
    expect(error).to_contain_text("Failed to fetch JWT token")
    expect(error).to_contain_text("status: 401")
    assert metabase.signed_in() == []


@pytest.mark.parametrize("query", ["", "?nonce=1"])
def test_a_strict_policy(
    page: Page, site: str, people: dict[str, User], errors: list[str], query: str
) -> None:
    sign_in(page, site, "bob")
    page.goto(f"{site}/page/strict/{query}")
    expect(frame(page, "metabase-dashboard").locator("#rows")).to_contain_text("12 rows; south")
    full_app = page.frame_locator("iframe[title=Sales]")
    expect(full_app.locator("#who")).to_contain_text("bob")
    expect(full_app.locator("#landing")).to_have_text("/dashboard/1?tab=2&city=Oslo&top_nav=false")
    assert errors == []


def test_nothing_of_the_page_is_taken_for_the_configuration(
    page: Page, site: str, people: dict[str, User], context: BrowserContext
) -> None:
    """DOM clobbering: `<img name="currentScript">` is `document.currentScript`."""
    hosts = watch_hosts(context)
    sign_in(page, site, "ada")
    page.goto(f"{site}/page/clobbered/")
    assert page.evaluate("document.currentScript.localName") == "img"  # it is shadowed
    expect(frame(page, "metabase-dashboard").locator("#rows")).to_contain_text("12 rows; north")
    assert hosts == {"localhost"}
    frame_element = page.locator("metabase-dashboard iframe")
    expect(frame_element).to_have_attribute("title", "Sales & more")


def test_a_script_in_the_page(
    page: Page, site: str, people: dict[str, User], errors: list[str]
) -> None:
    """For sites without static files; a policy wants a nonce for it."""
    sign_in(page, site, "ada")
    page.goto(f"{site}/page/inline/?nonce=1")
    expect(frame(page, "metabase-dashboard").locator("#rows")).to_contain_text("12 rows; north")
    assert errors == []


def test_a_forgotten_configuration_is_seen(page: Page, site: str, settings: Settings) -> None:
    settings.DEBUG = True
    page.goto(f"{site}/page/forgotten/")
    expect(page.get_by_text("{% metabase_config %} is missing from the page")).to_be_visible()
    settings.DEBUG = False
    page.goto(f"{site}/page/forgotten/")
    expect(page.get_by_text("metabase_config")).to_have_count(0)


def test_an_instance_that_is_down_is_seen(
    page: Page, site: str, settings: Settings, configure: Configure
) -> None:
    settings.DEBUG = True
    down = f"http://localhost:{free_port()}"
    configure(INSTANCE_URL=down)
    page.goto(f"{site}/page/inline/")
    expect(page.get_by_text(f"could not load {site}")).to_have_count(0)
    expect(page.get_by_text(f"{down}/app/embed.js")).to_be_visible()


def test_the_notice_makes_room(
    page: Page, site: str, people: dict[str, User], settings: Settings
) -> None:
    settings.DEBUG = True
    sign_in(page, site, "ada")
    page.goto(f"{site}/page/components/")
    expect(frame(page, "metabase-dashboard").locator("#rows")).to_contain_text("12 rows; north")
    for notice in page.get_by_text("Metabase has not rendered this yet").all():
        expect(notice).to_be_hidden()


def test_an_api_key_while_developing(
    page: Page,
    site: str,
    settings: Settings,
    configure: Configure,
    errors: list[str],
    metabase: Metabase,
) -> None:
    """Nobody is signed in, here or there."""
    settings.DEBUG = True
    configure(DEVELOPMENT_API_KEY=API_KEY)
    page.goto(f"{site}/page/components/")
    expect(frame(page, "metabase-dashboard").locator("#rows")).to_contain_text("48 rows")
    assert metabase.signed_in() == errors == []


def test_a_policy_that_blocks_is_seen(
    page: Page, site: str, people: dict[str, User], errors: list[str]
) -> None:
    """Or else the test above would see nothing, whatever happened."""
    sign_in(page, site, "bob")
    page.goto(f"{site}/page/strict/")
    page.evaluate(
        "document.head.append(Object.assign(document.createElement('script'), {text: '1'}))"
    )
    assert "Content Security Policy" in " ".join(errors)


def test_two_customers_see_their_own_rows(
    page: Page, site: str, people: dict[str, User], context: BrowserContext
) -> None:
    for name, region in REGIONS.items():
        sign_in(page, site, name)
        for address in ("signed", "asked"):
            page.goto(f"{site}/page/{address}/")
            kind = "metabase-dashboard" if address == "signed" else "metabase-question"
            shown = frame(page, kind)
            expect(shown.locator("#rows")).to_contain_text(f"12 rows; {region}")
            expect(shown.locator("#who")).to_contain_text("a guest")
        has_token = page.locator("[token]").count()
        assert has_token == 0
        other = frame(page, "metabase-question", 1)
        if name == "ada":
            expect(other.locator("#rows")).to_contain_text("12 rows; north")
        else:
            expect(other.locator("#error")).to_contain_text("status: 403")
            expect(other.locator("#rows")).to_have_count(0)
        page.goto(f"{site}/page/static/")
        static = page.frame_locator("iframe")
        expect(static.locator("#parameters")).to_contain_text(f"region = {region}")
        context.clear_cookies()


def test_an_expired_token_is_replaced(
    page: Page,
    site: str,
    people: dict[str, User],
    configure: Configure,
    methods: list[str],
    metabase: Metabase,
) -> None:
    configure(GUEST_TOKEN_LIFETIME=2)
    sign_in(page, site, "ada")
    page.goto(f"{site}/page/signed/")
    shown = frame(page, "metabase-dashboard")
    expect(shown.locator("#rows")).to_contain_text("north")
    assert methods == []
    metabase.change(clock_skew=LATE)
    # What is shown now was signed for Bob: the rows change, and the page was not loaded again.
    configure(GUEST_TOKEN_LIFETIME=600, GUEST_PARAMS=lambda *args: {"region": "south"})
    page.evaluate("window.loaded = 1")
    shown.locator("#refresh").click()
    expect(shown.locator("#rows")).to_contain_text("south")
    assert methods == ["POST"]
    assert page.evaluate("window.loaded") == 1


def test_a_refused_refresh_shows_nothing_more(
    page: Page, site: str, people: dict[str, User], configure: Configure, metabase: Metabase
) -> None:
    configure(GUEST_TOKEN_LIFETIME=2, GUEST_PARAMS=lambda *args: {"region": "north"})
    sign_in(page, site, "ada")
    page.goto(f"{site}/page/signed/")
    shown = frame(page, "metabase-dashboard")
    expect(shown.locator("#rows")).to_contain_text("north")
    configure(GUEST_PARAMS=lambda *args: None)
    metabase.change(clock_skew=LATE)
    shown.locator("#refresh").click()
    expect(shown.locator("#error")).to_contain_text("status: 403")
    expect(shown.locator("#rows")).to_have_count(0)


@pytest.fixture
def foreign_page(tmp_path: Path, site: str, standin_url: str) -> Iterator[str]:
    """A page on an origin of its own, the same site."""
    text = FOREIGN_PAGE.format(instance=standin_url, site=site)
    (tmp_path / "index.html").write_text(text)
    with page_server(tmp_path) as origin:
        yield origin


def test_another_origin_gets_tokens_with_the_cookie(
    page: Page,
    site: str,
    people: dict[str, User],
    configure: Configure,
    methods: list[str],
    foreign_page: str,
    metabase: Metabase,
) -> None:
    configure(ALLOWED_ORIGINS=[foreign_page], GUEST_TOKEN_LIFETIME=2)
    sign_in(page, site, "ada")
    page.goto(foreign_page)
    shown = frame(page, "metabase-dashboard")
    expect(shown.locator("#rows")).to_contain_text("north")
    assert methods == ["OPTIONS", "POST"]
    metabase.change(clock_skew=LATE)
    configure(GUEST_TOKEN_LIFETIME=600)
    shown.locator("#refresh").click()
    expect(shown.locator("#rows")).to_contain_text("north")
    expect(shown.locator("#error")).to_have_count(0)
    assert methods.count("POST") == 2


def test_another_origin_that_is_not_allowed(
    page: Page, site: str, people: dict[str, User], methods: list[str], foreign_page: str
) -> None:
    sign_in(page, site, "ada")
    page.goto(foreign_page)
    shown = frame(page, "metabase-dashboard")
    expect(shown.locator("#error")).to_contain_text("Failed to fetch")
    expect(shown.locator("#rows")).to_have_count(0)
    assert methods == ["OPTIONS"]  # the browser never sends the POST


def test_plain_html(
    page: Page,
    site: str,
    people: dict[str, User],
    configure: Configure,
    standin_url: str,
    tmp_path: Path,
) -> None:
    """Without `jwtProviderUri`: Metabase says where our endpoint is."""
    html, *_ = blocks("html", "docs/front-ends.md")
    (tmp_path / "index.html").write_text(html.replace("https://metabase.example.com", standin_url))
    with page_server(tmp_path) as origin:
        configure(ALLOWED_ORIGINS=[origin])
        sign_in(page, site, "ada")
        page.goto(origin)
        expect(frame(page, "metabase-dashboard").locator("#rows")).to_contain_text("north")


def test_signing_out_ends_both_sessions(
    page: Page, site: str, people: dict[str, User], metabase: Metabase
) -> None:
    sign_in(page, site, "ada")
    page.goto(f"{metabase.url}/dashboard/1")
    expect(page.locator("#who")).to_contain_text("ada")
    page.goto(f"{site}/page/signed/")
    page.evaluate(
        """const form = document.createElement("form");
        form.method = "post"; form.action = "/logout/";
        const token = document.cookie.match(/csrftoken=(\\w+)/)[1];
        form.innerHTML = `<input name=csrfmiddlewaretoken value=${token}>`;
        document.body.append(form); form.submit();"""
    )
    page.wait_for_url(f"{site}/page/signed-out/")
    page.frame_locator("iframe").locator("body").wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    assert metabase.state()["sessions"] == 0
    page.goto(f"{metabase.url}/dashboard/1")
    page.wait_for_url(f"{site}/login/**")
