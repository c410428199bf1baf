from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.conftest import Configure
from tests.e2e.servers import free_port, standin
from tests.test_redacted import assert_clean

APP = "https://app.example.com"


class Metabase:
    """The stand-in in a process of its own, set up over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def change(self, **values: Any) -> None:
        """Change its settings."""
        self._send("PATCH", "settings", json.dumps(values).encode())

    def state(self) -> Any:
        """Return what it knows: accounts, sign-ins, the number of sessions."""
        return json.loads(self._send("GET", "state", None))

    def reset(self) -> None:
        self._send("POST", "reset", b"")

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        request = urllib.request.Request(f"{self.url}/standin/{path}", body, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            content: bytes = answer.read()
        return content


@dataclass
class Report:
    """What the doctor said, and the status it ended with."""

    exit_code: int
    findings: list[dict[str, str]]

    def all(self, code: str) -> list[dict[str, str]]:
        return [finding for finding in self.findings if finding["code"] == code]

    def one(self, code: str) -> dict[str, str]:
        [found] = self.all(code)
        return found

    def level(self, code: str) -> str:
        return self.one(code)["level"]

    def faults(self) -> list[str]:
        return [finding["code"] for finding in self.findings if finding["level"] == "fault"]


Doctor = Callable[..., Report]


def run(*arguments: str) -> tuple[int, str, str]:
    """Run the command; return its status and its two outputs, which hold no secret."""
    out, err = StringIO(), StringIO()
    exit_code = 0
    try:
        call_command("metabase_sso", *arguments, stdout=out, stderr=err, no_color=True)
    except SystemExit as ended:
        exit_code = int(str(ended.code))
    assert_clean(out.getvalue() + err.getvalue())
    return exit_code, out.getvalue(), err.getvalue()


@pytest.fixture
def doctor(settings: Settings, configure: Configure) -> Doctor:
    """Return a function that runs the doctor in a project that is well otherwise."""
    settings.ALLOWED_HOSTS = ["localhost"]
    configure(ACCESS_POLICY="django_metabase_sso.policies.trust_emails")

    def examine(*arguments: str) -> Report:
        exit_code, out, _ = run("doctor", "--json", *arguments)
        report = Report(exit_code, json.loads(out)["findings"])
        assert report.exit_code == bool(report.faults())
        for finding in report.findings:
            assert list(finding) == ["level", "code", "title", "cause", "cure"]
            if finding["level"] in {"warning", "fault"}:
                assert finding["cause"]
                assert finding["cure"]
        return report

    return examine


@pytest.fixture(scope="session")
def standin_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a stand-in whose identity provider is this project, and not running."""
    log = tmp_path_factory.mktemp("standin") / "log"
    provider = f"http://localhost:{free_port()}/sso/metabase"
    with standin(provider, [APP], log) as url:
        yield url
    assert_clean(log.read_text())


@pytest.fixture
def metabase(standin_url: str, configure: Configure) -> Metabase:
    """The stand-in as new, in INSTANCE_URL."""
    found = Metabase(standin_url)
    found.reset()
    configure(INSTANCE_URL=standin_url)
    return found
