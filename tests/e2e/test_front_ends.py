"""The pages of docs/front-ends.md that have no SDK, in a browser on an origin of their own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from playwright.sync_api import Page, expect

from tests.e2e.browser import needs_sdk
from tests.e2e.next_app import PAGES, build_next_page
from tests.e2e.page_server import page_server
from tests.e2e.sdk import WORKSHOP, install_tools, parse
from tests.e2e.visitors import sign_in
from tests.e2e.vue_app import build_vue_page
from tests.helpers.configure import Configure
from tests.helpers.markdown import blocks
from tests.servers.standin import Metabase

pytestmark = [needs_sdk, pytest.mark.django_db(transaction=True)]


def region_of(user: Any, request: object) -> dict[str, str]:
    return {"region": {"ada": "north", "bob": "south"}[user.username]}


@pytest.fixture
def origin(tmp_path: Path, configure: Configure, metabase: Metabase) -> Iterator[str]:
    """Where the files of `tmp_path` are shown, allowed to read tokens."""
    with page_server(tmp_path) as url:
        configure(ALLOWED_ORIGINS=[url], USER_ATTRIBUTES=region_of)
        yield url


def expect_rows(page: Page, region: str) -> None:
    shown = page.locator("metabase-dashboard iframe").content_frame
    expect(shown.locator("#rows")).to_contain_text(f"12 rows; {region}")


def test_vue(
    page: Page,
    origin: str,
    site: str,
    people: dict[str, User],
    metabase: Metabase,
    tmp_path: Path,
) -> None:
    build_vue_page(tmp_path)
    warnings: list[str] = []
    page.on("console", lambda said: warnings.extend([said.text] * ("[Vue" in said.text)))
    for name, region in (("ada", "north"), ("bob", "south")):
        sign_in(page, site, name)
        page.goto(f"{origin}/?instance={metabase.url}")
        expect_rows(page, region)
        element = page.locator("metabase-dashboard")
        expect(element).to_have_attribute("dashboard-id", "1")
        page.context.clear_cookies()
    assert warnings == []


def test_htmx(
    page: Page,
    origin: str,
    site: str,
    people: dict[str, User],
    metabase: Metabase,
    tmp_path: Path,
) -> None:
    install_tools()
    _, _, html, fragment, _ = blocks("html", "docs/front-ends.md")
    html = html.replace("https://metabase.example.com", metabase.url)
    for name, text in (("index.html", html), ("reports/sales/index.html", fragment)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "static").mkdir()
    script = WORKSHOP / "node_modules/htmx.org/dist/htmx.min.js"
    shutil.copy(script, tmp_path / "static")
    sign_in(page, site, "ada")
    page.goto(origin)
    expect(page.locator("metabase-dashboard")).to_have_count(0)
    page.get_by_role("button", name="Sales").click()
    expect_rows(page, "north")


def test_a_bearer_token_in_web_components(
    page: Page,
    origin: str,
    people: dict[str, User],
    site: str,
    metabase: Metabase,
    configure: Configure,
    tmp_path: Path,
) -> None:
    """No cookie, and no other way to be known."""
    _, bearer, *_ = blocks("html", "docs/front-ends.md")
    html = bearer.replace("https://metabase.example.com", metabase.url)
    html = html.replace("https://your-site.example.com", site)
    (tmp_path / "index.html").write_text(html)
    configure(AUTHENTICATE=by_header)
    page.goto(origin)
    page.evaluate("sessionStorage.setItem('token', 'bob')")
    page.reload()
    expect_rows(page, "south")
    assert metabase.signed_in() == ["bob@example.com"]


def by_header(request: HttpRequest) -> Any:
    name = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return User.objects.filter(username=name).first()


@pytest.mark.parametrize(
    "code", [*blocks("jsx"), *blocks("js")], ids=lambda code: code.splitlines()[0][:40]
)
def test_the_javascript_is_javascript(code: str) -> None:
    parse(code)


@pytest.mark.parametrize("router", PAGES)
def test_next(
    page: Page,
    origin: str,
    site: str,
    people: dict[str, User],
    metabase: Metabase,
    tmp_path: Path,
    router: str,
) -> None:
    """The page of each router loads the component in the browser; the wrapper signs in."""
    build_next_page(router, tmp_path)
    address = f"{origin}/?{urlencode({'instance': metabase.url, 'sso': f'{site}/sso/metabase'})}"
    page.goto(address)
    expect(page.get_by_text("Sign in first.")).to_be_visible()
    sign_in(page, site, "ada")
    with page.expect_response(re.compile("/api/user/current")) as answer:
        page.goto(address)
    assert answer.value.json()["email"] == "ada@example.com"
    assert set(metabase.signed_in()) == {"ada@example.com"}
