"""How the checks are registered, and how they read settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import InstanceURL, parse_origin
from django_metabase_sso.conf.settings import problems, written
from django_metabase_sso.exceptions import BadSetting

Check = Callable[..., list[checks.CheckMessage]]


def register(*tags: str, deploy: bool = False) -> Callable[[Check], Check]:
    """Register a check of a project whose `METABASE_SSO` can be read.

    Where it cannot, E001 or E002 says so, and whatever would follow from it is not reported.
    """

    def decorate(check: Check) -> Check:
        @wraps(check)
        def guarded(**kwargs: Any) -> list[checks.CheckMessage]:
            return [] if problems() else check(**kwargs)

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


def position_of(middleware: type) -> int | None:
    """Return the place of a middleware (or a subclass of it) in MIDDLEWARE; None if absent."""
    for index, path in enumerate(settings.MIDDLEWARE):
        if issubclass(class_at(path), middleware):
            return index
    return None


def class_at(path: str) -> type:
    """Return the class at a dotted path; `object` for a function, and for what does not import.

    Django says at the start what does not import.
    """
    try:
        found = import_string(path)
    except ImportError:
        return object
    return found if isinstance(found, type) else object
