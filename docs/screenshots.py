"""`make screenshots`: pictures of the demo for the documentation, in docs/images.

The demo's Metabase is a stand-in. It looks like nothing, but who is signed in and which rows they
see is real.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from tests.e2e.browser import chromium
from tests.helpers.paths import ROOT
from tests.servers.ports import free_port

IMAGES = ROOT / "docs/images"
# For each picture: who is signed in, which link of the demo, what must be there, the height.
PICTURES = {
    "fetch": ("ada", "Fetch, as the SDK does", "#account", 900),
    "components": ("ada", "Web components", "metabase-dashboard iframe", 760),
    "frame": ("ada", "Full app in a frame", "main iframe", 700),
    "guests": ("tove", "Guests", "#signed-acme iframe", 760),
}


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """Run the demo with a new database; yield its address."""
    ports = {"DEMO_PORT": str(free_port()), "DEMO_METABASE_PORT": str(free_port())}
    environment = {**os.environ, **ports, "DEMO_DATABASE": str(folder / "demo.sqlite3")}
    with subprocess.Popen(
        [sys.executable, "-m", "example_project.demo"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        printed = ""
        assert process.stdout is not None
        while "Ctrl-C" not in printed:
            line = process.stdout.readline()
            if not line:
                raise SystemExit("The demo did not start.")
            printed += line
        try:
            yield printed.partition("Open  ")[2].split()[0].rstrip("/")
        finally:
            process.send_signal(signal.SIGINT)


def take(page: Page, site: str, name: str) -> None:
    """Take one picture."""
    person, link, needed, height = PICTURES[name]
    page.set_viewport_size({"width": 1280, "height": height})
    page.goto(site)
    page.get_by_role("button", name=f"Sign in as {person}").click()
    page.get_by_role("navigation").get_by_role("link", name=link).click()
    page.locator(needed).first.wait_for()
    page.wait_for_timeout(2_000)  # frames draw after they are there
    page.screenshot(path=IMAGES / f"{name}.png")


def main() -> None:
    """Take all of them."""
    with tempfile.TemporaryDirectory() as folder, demo(Path(folder)) as site:
        for name in PICTURES:
            with chromium() as browser:
                take(browser.new_page(), site, name)
            print(f"docs/images/{name}.png")


if __name__ == "__main__":
    main()
