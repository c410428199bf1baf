"""The documentation builds, its search finds the right pages, and no content is cut off."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from release.conftest import ROOT
from tests.e2e.browser import chromium, needs_chromium
from tests.e2e.page_server import page_server

pytestmark = needs_chromium
# Code, tables and pictures that are too wide for the page, and the page itself.
CUT = """() => [...document.querySelectorAll("html, article pre, .table-wrapper")]
    .filter((element) => element.scrollWidth > element.clientWidth + 1)
    .map((element) => element.textContent.trim().slice(0, 80))"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the pages of the site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "-q", "-E", "docs", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="module")
def origin(site: Path) -> Iterator[str]:
    with page_server(site) as found:
        yield found


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as browser:
        yield browser.new_page(viewport={"width": 1280, "height": 900})


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("collectstatic", "troubleshooting"),
        ("SimpleJWT", "bearer-tokens"),
        ("401", "troubleshooting"),
        ("infinite login loop", "troubleshooting"),
        ("CORS error", "troubleshooting"),
        ("Next.js", "front-ends"),
        ("row-level security", "groups-and-rows"),
        ("multi-tenant", "tenants"),
        ("GROUP_MAPPING", "settings"),
        ("W012", "checks"),
    ],
)
def test_search(page: Page, origin: str, words: str, name: str) -> None:
    """The right page is the first or second result."""
    page.goto(f"{origin}/search.html?q={quote(words)}")
    page.locator("#search-results", has_text="found").wait_for()
    results = page.locator("ul.search > li > a").evaluate_all("all => all.map((a) => a.pathname)")
    assert f"/{name}.html" in results[:2]


def test_nothing_is_cut(page: Page, site: Path, origin: str) -> None:
    names = [file.relative_to(site) for file in site.rglob("*.html")]
    cut = {}
    for name in names:
        page.goto(f"{origin}/{name}")
        cut[name] = page.evaluate(CUT)
    assert len(cut) > 30
    assert not {name: found for name, found in cut.items() if found}
