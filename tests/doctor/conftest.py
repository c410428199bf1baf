from __future__ import annotations

import json

import pytest
from pytest_django import Settings

from tests.helpers.commands import run
from tests.helpers.configure import Configure
from tests.helpers.reports import APP, Doctor, Report
from tests.servers.answers import Answered
from tests.servers.canned import Answers, fake
from tests.servers.standin import Metabase


@pytest.fixture
def doctor(db: None, settings: Settings, configure: Configure) -> Doctor:
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


@pytest.fixture
def metabase(standin_url: str, configure: Configure) -> Metabase:
    """The stand-in as new, in INSTANCE_URL."""
    found = Metabase(standin_url)
    found.reset()
    configure(INSTANCE_URL=standin_url)
    return found


@pytest.fixture
def answered(doctor: Doctor, configure: Configure) -> Answered:
    """Return a function that runs the doctor while a server gives these answers for Metabase."""

    def examine(answers: Answers, *arguments: str) -> tuple[Report, list[str]]:
        with fake(answers) as server:
            configure(INSTANCE_URL=server.url)
            return doctor(*arguments), server.requests

    return examine


@pytest.fixture
def one_site(metabase: Metabase, settings: Settings, configure: Configure) -> None:
    """Both on example.com, by https."""
    metabase.change(jwt_identity_provider_uri="https://api.example.com/sso/metabase")
    settings.ALLOWED_HOSTS = ["api.example.com"]
    settings.SESSION_COOKIE_SECURE = True
    configure(ALLOWED_ORIGINS=[APP])
