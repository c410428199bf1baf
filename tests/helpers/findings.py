"""The findings of this package's system checks."""

from __future__ import annotations

from django.core.checks import CheckMessage, run_checks

from tests.settings import SECRET


def messages(*, deploy: bool = False) -> dict[str, CheckMessage]:
    """Return our findings by id, without the prefix."""
    found = {}
    for message in run_checks(include_deployment_checks=deploy):
        if str(message.id).startswith("metabase_sso."):
            assert message.hint
            assert SECRET not in f"{message.msg} {message.hint}"
            found[str(message.id).removeprefix("metabase_sso.")] = message
    return found


def ids(*, deploy: bool = False) -> set[str]:
    return set(messages(deploy=deploy))
