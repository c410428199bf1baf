"""The stand-in, with its API for administrators."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

from example_project.standin.start import API_KEY
from tests.servers.standin import Metabase

Run = Callable[..., tuple[int, str, str]]
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
    """A stand-in with accounts and an API key."""

    def add(self, email: str, **fields: Any) -> int:
        """Create an account, or `count` accounts; return the id of the first one."""
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
        """Call the API for administrators."""
        request = urllib.request.Request(
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"X-API-Key": API_KEY},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or "null")
