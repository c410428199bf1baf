"""How the checks are registered, and how they read settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import InstanceURL, parse_origin
from django_metabase_sso.conf.settings import problems, written
from django_metabase_sso.exceptions import BadSetting

Yielding = Callable[..., Iterator[CheckMessage]]
Check = Callable[..., list[CheckMessage]]


def register(*tags: str, deploy: bool = False) -> Callable[[Yielding], Check]:
    """Register a check, which yields its messages, of a project whose `METABASE_SSO` can be read.

    Where it cannot, E001 or E002 says so, and whatever would follow from it is not reported. The
    same message is reported once.
    """

    def decorate(check: Yielding) -> Check:
        @wraps(check)
        def guarded(**kwargs: Any) -> list[CheckMessage]:
            found = () if problems() else check(**kwargs)
            return list({message.msg: message for message in found}.values())

        checks.register(*tags, deploy=deploy)(guarded)
        return guarded

    return decorate


def read(key: str) -> Any:
    """Return the value of a setting; None when it is bad, which `check_values` reports."""
    try:
        return getattr(conf, key)
    except BadSetting:
        return None


def remote_instance() -> InstanceURL | None:
    """Return INSTANCE_URL; None if it is bad, or if the instance is on this machine."""
    instance: InstanceURL | None = read("INSTANCE_URL")
    if instance is None or parse_origin(instance.origin).is_local:
        return None
    return instance


def as_written(key: str) -> Any:
    """Return a setting as the project wrote it: a mistyped path is not a setting left out."""
    return written()[key]


def position_of(middleware: str) -> int | None:
    """Return the place of a middleware (or a subclass of it) in MIDDLEWARE; None if absent.

    What does not import is not looked at: Django says so at the start.
    """
    for index, path in enumerate(settings.MIDDLEWARE):
        try:
            classes = getattr(import_string(path), "__mro__", ())
        except ImportError:
            continue
        if middleware in [f"{entry.__module__}.{entry.__qualname__}" for entry in classes]:
            return index
    return None
