"""How the checks read settings and word their findings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Error, Warning  # noqa: A004
from django.utils.module_loading import import_string

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.settings import written
from django_metabase_sso.exceptions import BadSetting


def read(key: str) -> Any:
    """Return the value of a setting; None when it is bad, which `check_values` reports."""
    try:
        return getattr(conf, key)
    except BadSetting:
        return None


def value_or_none(key: str) -> Any:
    """Return a setting as it was written; None when METABASE_SSO can't be read."""
    try:
        return written()[key]
    except BadSetting:
        return None


def error(number: int, message: str, hint: str) -> Error:
    """Return a finding that cannot work or is unsafe."""
    return Error(message, hint, id=f"metabase_sso.E{number:03}")


def warning(number: int, message: str, hint: str) -> Warning:
    """Return a finding that is probably wrong."""
    return Warning(message, hint, id=f"metabase_sso.W{number:03}")


def position_of(middleware: type) -> int | None:
    """Return the place of a middleware (or a subclass of it) in MIDDLEWARE; None if absent."""
    for index, path in enumerate(settings.MIDDLEWARE):
        found = import_string(path)
        if isinstance(found, type) and issubclass(found, middleware):
            return index
    return None
