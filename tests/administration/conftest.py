from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from example_project.standin.start import API_KEY
from tests.conftest import Configure
from tests.doctor.conftest import Metabase, standin_url
from tests.test_redacted import assert_clean

__all__ = ["standin_url"]

SITE = "https://www.example.com"
FRESH: dict[str, Any] = {
    "jwt-enabled": False,
    "jwt-shared-secret": None,
    "jwt-identity-provider-uri": None,
    "jwt-group-sync": False,
    "enable-embedding-sdk": False,
    "enable-embedding-simple": False,
    "enable-embedding-static": False,
    "enable-embedding-interactive": False,
    "embedding-app-origins-sdk": None,
    "embedding-app-origins-interactive": None,
    "embedding-secret-key": None,
}


class Administered(Metabase):
    """The stand-in, with its accounts and its administrator's API."""

    def add(self, email: str, **fields: Any) -> int:
        """Make an account, or many with `count`; return the id of the first with this address."""
        self._send("POST", "accounts", json.dumps({"email": email, **fields}).encode())
        found: int = self.account(email.replace("{}", "1"))["id"]
        return found

    def account(self, email: str) -> dict[str, Any]:
        [found] = [one for one in self.state()["accounts"] if one["email"] == email]
        return dict(found)

    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = self.state()["settings"]
        return found

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call its administrator's API."""
        request = urllib.request.Request(
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"X-API-Key": API_KEY},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or "null")


@pytest.fixture
def metabase(standin_url: str, configure: Configure) -> Administered:
    """The stand-in as it is for the tests of sign-ins, with a key for its API."""
    found = Administered(standin_url)
    found.reset()
    configure(INSTANCE_URL=standin_url, API_KEY=API_KEY)
    return found


@pytest.fixture
def fresh(metabase: Administered) -> Administered:
    """The stand-in as Metabase is after its installation."""
    metabase.change(**FRESH)
    return metabase


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def manage() -> Run:
    """Return a function that runs `manage.py metabase_sso`: status and both outputs."""

    def run(*arguments: str) -> tuple[int, str, str]:
        out, err = StringIO(), StringIO()
        status = 0
        try:
            call_command("metabase_sso", *arguments, stdout=out, stderr=err, no_color=True)
        except SystemExit as ended:
            status = int(str(ended.code))
        except CommandError as error:
            status = error.returncode
            err.write(str(error))
        for text in (out.getvalue(), err.getvalue()):
            assert_clean(text)
            assert API_KEY not in text
        return status, out.getvalue(), err.getvalue()

    return run
