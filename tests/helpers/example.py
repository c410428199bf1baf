"""Runs the example site in another process."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.helpers.paths import ROOT


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {**os.environ, **environment}
    own.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # set for the browser tests
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=own, capture_output=True, text=True, check=False
    )


def demo(**environment: str) -> dict[str, str]:
    return {**environment, "DJANGO_SETTINGS_MODULE": "example_project.settings"}
