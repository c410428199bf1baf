"""What an operator types and sees."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError
from pytest_django import Settings

from django_metabase_sso.management.arguments import origin
from tests.helpers.commands import run
from tests.helpers.reports import Doctor
from tests.servers.ports import free_port
from tests.servers.standin import Metabase

ROOT = Path(__file__).parent.parent.parent


def test_text(doctor: Doctor, metabase: Metabase, settings: Settings) -> None:
    settings.SILENCED_SYSTEM_CHECKS = ["metabase_sso.W002", "metabase_sso.W012"]
    exit_code, out, err = run("doctor")
    lines = out.splitlines()
    assert (exit_code, err) == (0, "")
    assert lines[0].startswith("ok       The system checks")
    assert {line.split()[0] for line in lines} == {
        *("ok", "skipped", "because:", "Next:"),
        *("warning", "cause:", "do:"),  # this site does not run
    }
    assert "explain USER" in lines[-1]
    assert "doctor --user USER" in lines[-1]
    metabase.change(jwt_enabled=False)
    exit_code, out, err = run("doctor")
    lines = out.splitlines()
    place = lines.index("fault    Metabase says: SSO has not been enabled and/or configured")
    assert lines[place + 1].startswith("         cause: JWT sign-in is switched off")
    assert lines[place + 2].startswith("         do: Set the secret and the Identity Provider URI")
    assert (exit_code, err) == (1, "")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_it_says_beforehand_that_it_signs_in(
    doctor: Doctor, metabase: Metabase, ada: User, options: list[str]
) -> None:
    _, out, err = run("doctor", "--user", "ada@EXAMPLE.com", *options)
    warning = f"This signs user {ada.pk} in to Metabase"
    assert (err if options else out).startswith(warning)
    assert out.startswith("{") == bool(options)


def test_nobody_to_sign_in(db: None) -> None:
    with pytest.raises(CommandError, match="No user has"):
        run("doctor", "--user", "nobody")


@pytest.mark.parametrize(
    "options",
    [
        ["--origin", "app.example.com"],
        ["--origin", "https://app.example.com/path"],
        ["--origin", "https://app.example.com?x"],
        ["--origin", "https://a b"],
        ["--origin", "https://["],
        ["--timeout", "0"],
        ["--timeout", "nan"],
        ["--timeout", "soon"],
    ],
)
def test_bad_options(options: list[str]) -> None:
    with pytest.raises(CommandError, match=r"is not an? (origin|number)"):
        run("doctor", *options)


def test_an_origin_as_browsers_send_it() -> None:
    assert origin("HTTPS://App.Example.com:443/") == "https://app.example.com"


def test_in_a_shell() -> None:
    """The status of the process, an option behind the subcommand, and no traceback."""
    environment = {**os.environ, "METABASE_INSTANCE_URL": f"http://localhost:{free_port()}"}
    del environment["DJANGO_SETTINGS_MODULE"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "django", "metabase_sso", "doctor"),
            *("--settings", "example_project.settings", "--no-color"),
        ],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "fault    No answer from localhost" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
