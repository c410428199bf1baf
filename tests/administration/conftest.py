from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from example_project.standin.start import API_KEY
from tests.helpers.administration import FRESH, Administered, Run
from tests.helpers.configure import Configure
from tests.helpers.redaction import assert_clean


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
