"""The project's own settings: the package's system checks, the secret, the instance's address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from django.core.checks import ERROR, CheckMessage
from django.core.checks.registry import registry

from django_metabase_sso.conf import conf
from django_metabase_sso.doctor.findings import Finding, Level, Step, attempt
from django_metabase_sso.exceptions import BadSetting
from django_metabase_sso.instance import InstanceURL
from django_metabase_sso.secret import SHORTEST_SECRET

PACKAGE: Final = "django_metabase_sso."


def settings() -> Step[InstanceURL]:
    """Run the system checks of this package; learn INSTANCE_URL when it can be read."""
    found: list[Finding] = []
    for check in registry.get_checks(include_deployment_checks=True):
        if check.__module__.startswith(PACKAGE):
            found += attempt("settings", partial(_run, check)).findings
    if not found:
        title = "The system checks of django-metabase-sso find nothing, those for deployment too."
        found.append(Finding("ok", "settings", title))
    try:
        return Step(found, conf.INSTANCE_URL)
    except BadSetting:  # among the findings by now
        return Step(found)


def secret() -> Step[int]:
    """Say how long JWT_SHARED_SECRET is; learn it when it can sign. The checks did the judging."""
    try:
        length = len(conf.JWT_SHARED_SECRET)
    except BadSetting:
        return Step([])
    title = f"JWT_SHARED_SECRET has {length} bytes, of at least {SHORTEST_SECRET}."
    return Step([Finding("ok", "secret-length", title)], length)


def _run(check: Callable[..., Iterable[CheckMessage]]) -> Step[Any]:
    messages = check(app_configs=None, databases=None)
    return Step([_finding(message) for message in messages if not message.is_silenced()])


def _finding(message: CheckMessage) -> Finding:
    level: Level = "fault" if message.level >= ERROR else "warning"
    title = f"The settings do not pass the check {message.id}."
    return Finding(level, str(message.id), title, str(message.msg), str(message.hint or ""))
