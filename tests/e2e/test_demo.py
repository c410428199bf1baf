"""`make demo`, from its first page to the dashboard."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.browser import needs_chromium, watch_hosts
from tests.helpers.paths import ROOT
from tests.helpers.redaction import JWT
from tests.servers.ports import free_port

pytestmark = needs_chromium


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[str]:
    """Run the demo; yield the address that it prints."""
    ports = {"DEMO_PORT": str(free_port()), "DEMO_METABASE_PORT": str(free_port())}
    environment = {**os.environ, **ports, "DEMO_DATABASE": str(tmp_path / "demo.sqlite3")}
    environment.pop("DJANGO_SETTINGS_MODULE")
    log = tmp_path / "log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "example_project.demo"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        printed = ""
        while "Ctrl-C" not in printed:
            line = process.stdout.readline()
            assert line, log.read_text()
            printed += line
        yield printed.partition("Open  ")[2].split()[0].rstrip("/")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    assert "ada " in printed
    assert JWT.search(log.read_text() + printed) is None


def go(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=name).click()


def test_demo(page: Page, context: BrowserContext, demo: str) -> None:
    hosts = watch_hosts(context)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(demo)
    page.get_by_role("button", name="Sign in as ada").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed in as ada")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.locator("header").evaluate("header => header.offsetHeight") < 120  # two lines
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.set_viewport_size({"width": 1280, "height": 800})

    go(page, "Fetch, as the SDK does")
    expect(page.locator("#status")).to_have_text("200")
    expect(page.locator("#claims")).to_contain_text('"region": "north"')
    expect(page.locator("#account")).to_contain_text("ada@example.com")

    go(page, "Full app in a frame")
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("Ada Lovelace")

    go(page, "Links")
    page.get_by_role("link", name="A dashboard, with a tab and a filter").click()
    assert page.url.endswith("/dashboard/1?tab=2&city=Oslo")
    expect(page.locator("body")).to_contain_text("Analysts")

    page.goto(f"{demo}/refusals/")
    codes = page.locator(".cases a").all_inner_texts()
    assert len(codes) == 15
    for code in codes:
        page.get_by_role("link", name=code, exact=True).click()
        expected = "503" if code == "prefetch" else code
        assert expected in page.locator("main > .pair").inner_html()
    assert errors == []
    assert hosts == {"localhost"}


def rows(page: Page, place: str) -> Locator:
    return page.locator(place).locator("iframe").content_frame.locator("#rows")


def test_embeds(page: Page, demo: str) -> None:
    violations: list[str] = []
    page.on("console", lambda said: violations.extend([said.text] * ("Policy" in said.text)))
    page.goto(demo)
    page.get_by_role("button", name="Sign in as ada").click()
    go(page, "Web components")
    expect(rows(page, "metabase-dashboard")).to_contain_text("12 rows; north")
    expect(rows(page, "metabase-question")).to_contain_text("12 rows; north")
    for name in ("browser", "metabot"):
        shown = page.locator(f"metabase-{name} iframe").content_frame
        expect(shown.locator("#who")).to_contain_text("ada@example.com")
    page.goto(f"{demo}/components/?city=%22><script>window.hacked=1</script>")
    expect(rows(page, "metabase-dashboard")).to_contain_text("12 rows; north")
    assert page.evaluate("window.hacked") is None

    go(page, "Strict CSP")
    expect(rows(page, "metabase-dashboard")).to_contain_text("12 rows; north")
    expect(page.frame_locator("main > iframe").locator("#who")).to_contain_text("Ada Lovelace")
    assert violations == []

    go(page, "Guests")
    expect(rows(page, "#signed-acme")).to_contain_text("12 rows; west")
    expect(rows(page, "#signed-globex")).to_contain_text("12 rows; south")
    static = page.locator("main > iframe")
    static.scroll_into_view_if_needed()
    expect(static.content_frame.locator("#parameters")).to_contain_text("region = west")
    for name, mine, other, region in (
        ("tove", "acme", "globex", "west"),
        ("gus", "globex", "acme", "south"),
    ):
        page.goto(demo)
        page.get_by_role("button", name=f"Sign in as {name}").click()
        go(page, "Guests")
        expect(rows(page, f"#asked-{mine}")).to_contain_text(f"12 rows; {region}")
        refused = page.locator(f"#asked-{other} iframe").content_frame.locator("#error")
        expect(refused).to_contain_text("status: 403")

    go(page, "Full app in a frame")
    expect(page.frame_locator("iframe").locator("#who")).to_have_text("Gus Globe")
    page.get_by_role("button", name="Sign out").click()
    # END_ACCESS ends the session from the server as well, and may be first.
    ended = re.compile("You (are signed out of|were not signed in to) Metabase")
    page.frame_locator("iframe").get_by_text(ended).wait_for(state="attached")
    go(page, "Links")
    page.get_by_role("link", name="A dashboard, with a tab and a filter").click()
    page.wait_for_url(f"{demo}/login/**")
