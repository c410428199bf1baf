"""docs/quickstart.md, followed word for word: its files, its commands, its page in a browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from example_project.standin.start import environment, fresh
from tests.helpers.markdown import blocks, page
from tests.helpers.paths import ROOT
from tests.helpers.quickstart import write_files
from tests.servers.ports import PATIENCE, free_port, wait_for

PAGE = page("docs/quickstart.md")
PASSWORD = "a password for the tests"


def lines_of_consoles() -> list[str]:
    """Return what the page types into a terminal, in its order."""
    found = blocks("console", PAGE.name)
    return [line.removeprefix("$ ") for block in found for line in block.splitlines()]


@contextmanager
def process(command: list[str], folder: Path, variables: dict[str, str]) -> Iterator[None]:
    with (folder / "log").open("ab") as log:
        running = subprocess.Popen(command, cwd=folder, env=variables, stdout=log, stderr=log)
    try:
        yield
    finally:
        running.terminate()
        running.wait(timeout=PATIENCE)


def assert_as_the_page_says(printed: str) -> None:
    """Nothing is at fault, and the warnings are those that the page mentions."""
    assert "fault" not in printed
    warnings = [line for line in printed.splitlines() if line.startswith("warning")]
    mentioned = ("Nothing answers at the JWT Identity", "metabase_sso.W012", "metabase_sso.W033")
    assert len(warnings) == len(mentioned) == 3
    for words in mentioned:
        assert words in " ".join(warnings)
        assert words.lower() in " ".join(PAGE.text.split()).lower()
    assert "`doctor` prints three warnings" in PAGE.text


def test_the_quickstart(tmp_path: Path, context: BrowserContext) -> None:
    lines = lines_of_consoles()
    exported = dict(
        line.removeprefix("export ").split("=", 1) for line in lines if "export" in line
    )
    metabase_port, site_port = free_port(), free_port()
    metabase, site = (f"http://localhost:{port}" for port in (metabase_port, site_port))

    def here(text: str) -> str:
        """Return a part of the page with the ports of this test."""
        return text.replace("http://localhost:3030", metabase).replace(
            "http://localhost:8000", site
        )

    variables = {key: text for key, text in os.environ.items() if "DJANGO" not in key}
    variables |= exported | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}

    def run(line: str) -> str:
        """Run a line of the page, as in the environment that it makes."""
        words = here(line).split()
        words[0:1] = [sys.executable] if words[0] == "python" else [sys.executable, "-m", "django"]
        words += ["--noinput"] if "createsuperuser" in line else []
        done = subprocess.run(
            words, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    standin = [sys.executable, "-m", "django", "runserver", "--noreload", "--skip-checks"]
    own = {**environment(fresh(metabase)), "PYTHONPATH": str(ROOT)}
    with process([*standin, f"127.0.0.1:{metabase_port}"], tmp_path, own):
        wait_for(f"{metabase}/api/health")
        assert lines[0] == "make metabase"
        start = lines.index("django-admin startproject shop .")
        for line in lines[start : start + 3]:
            run(line)
        write_files(tmp_path, [(name, here(code)) for name, code in PAGE.files])
        setup, doctor, runserver = lines[-3:]
        assert "Written." in run(setup)
        assert_as_the_page_says(run(doctor))
        command = [sys.executable, *runserver.split()[1:], "--noreload", f"127.0.0.1:{site_port}"]
        with process(command, tmp_path, variables):
            wait_for(f"{site}/accounts/login/")
            tab = context.new_page()
            tab.goto(f"{site}/sales/")
            tab.fill("[name=username]", "ada")
            tab.fill("[name=password]", PASSWORD)
            tab.click("button")
            dashboard = tab.frame_locator("metabase-dashboard iframe")
            expect(dashboard.get_by_text("ada@example.com").first).to_be_visible()
