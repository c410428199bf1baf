"""The pytest fixture `metabase_sso`, for projects that name this module in `pytest_plugins`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from django_metabase_sso.test import SETTINGS, Helpers

PYTEST_DJANGO = ("django", "pytest_django.plugin")  # found by pytest, or named with -p


@pytest.fixture
def metabase_sso(request: pytest.FixtureRequest) -> Iterator[Helpers]:
    """`django_metabase_sso.test`, with METABASE_SSO set for tests until the end of this one."""
    own = None
    if any(map(request.config.pluginmanager.hasplugin, PYTEST_DJANGO)):
        # What a test sets with it is undone in the right order only if ours uses it as well.
        own = request.getfixturevalue("settings")
    overrides: list[Any] = []

    def configure(**keys: Any) -> None:
        values = {**getattr(settings, "METABASE_SSO", {}), **keys}
        if own is not None:
            own.METABASE_SSO = values
            return
        overrides.append(override_settings(METABASE_SSO=values))
        overrides[-1].enable()

    configure(**SETTINGS)
    yield Helpers(configure)
    for override in reversed(overrides):
        override.disable()
