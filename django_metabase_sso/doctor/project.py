"""The project's own settings: the package's system checks, the secret, the instance's address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from django.core.checks import ERROR, CheckMessage
from django.core.checks.registry import registry

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import InstanceURL
from django_metabase_sso.conf.secrets import SHORTEST_SECRET
from django_metabase_sso.doctor.findings import Finding, Level, Step, attempt
from django_metabase_sso.exceptions import BadSetting

PACKAGE: Final = "django_metabase_sso."


def settings() -> Step[InstanceURL | None]:
    """Run the system checks of this package; learn INSTANCE_URL when it can be read."""
    checks = registry.get_checks(include_deployment_checks=True)
    ours = [check for check in checks if check.__module__.startswith(PACKAGE)]
    found = [finding for check in ours for finding in attempt("settings", _run(check))]
    yield from found
    if not found:
        title = "The system checks of django-metabase-sso find nothing, those for deployment too."
        yield Finding("ok", "settings", title)
    try:
        return conf.INSTANCE_URL
    except BadSetting:  # among the findings by now
        return None


def secret() -> Step[bool]:
    """Say how long JWT_SHARED_SECRET is; learn whether it can sign. The checks did the judging."""
    try:
        length = len(conf.JWT_SHARED_SECRET)
    except BadSetting:
        return False
    title = f"JWT_SHARED_SECRET has {length} bytes, of at least {SHORTEST_SECRET}."
    yield Finding("ok", "secret-length", title)
    return True


def _run(check: Callable[..., Iterable[CheckMessage]]) -> Step[None]:
    for message in check(app_configs=None, databases=None):
        if not message.is_silenced():
            level: Level = "fault" if message.level >= ERROR else "warning"
            title = f"The settings do not pass the check {message.id}."
            yield Finding(level, str(message.id), title, str(message.msg), str(message.hint or ""))
