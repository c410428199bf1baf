"""The table of system checks is that of the code."""

from __future__ import annotations

import re

import pytest
from pytest_django import Settings

from django_metabase_sso.checks import users
from tests.helpers.findings import marked_ids, messages, written_ids
from tests.helpers.markdown import block, table

PREFIX = "`metabase_sso."
TABLE = {row[0].removeprefix(PREFIX).strip("`"): row[1] for row in table(PREFIX)}


def test_ids() -> None:
    assert set(TABLE) == written_ids("**/*.py")


@pytest.mark.parametrize(
    ("word", "mark"), [("deploy", "deploy=True"), ("database", "Tags.database")]
)
def test_when_a_check_runs(word: str, mark: str) -> None:
    marked = {check_id for check_id, text in TABLE.items() if text.startswith(f"*{word}:*")}
    assert marked == marked_ids(mark)


def test_the_index_is_that_of_the_hint(settings: Settings) -> None:
    [app] = re.findall(r'"([\w.]+)"', block("python", "email_index"))
    assert f'"{app}"' in str(messages(deploy=True)["W012"].hint)
    settings.AUTH_USER_MODEL = "accounts.EmailUser"
    own = block("python", "UniqueConstraint(").strip().replace("auth_user", "accounts_emailuser")
    assert own in str(messages(deploy=True)["W012"].hint)
    generated = "".join(block("python", "GeneratedField").split()).rstrip(")")
    assert generated in "".join(users.MARIADB_INDEX.format(name="email", table="").split())
