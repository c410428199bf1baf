from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.helpers.commands import run
from tests.helpers.configure import Configure
from tests.helpers.redaction import assert_clean
from tests.helpers.reports import APP, Doctor, Report
from tests.servers.ports import free_port
from tests.servers.standin import Metabase, standin


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
