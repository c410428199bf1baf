"""The pytest fixture `metabase_sso`, for projects with this module in `pytest_plugins`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from django_metabase_sso.test import SETTINGS, Helpers

PYTEST_DJANGO = ("django", "pytest_django.plugin")  # its names in pytest, or with -p


@pytest.fixture
def metabase_sso(request: pytest.FixtureRequest) -> Iterator[Helpers]:
    """The functions of `django_metabase_sso.test`, with METABASE_SSO set until the test ends."""
    own = None
    if any(map(request.config.pluginmanager.hasplugin, PYTEST_DJANGO)):
        # Using pytest-django's fixture makes sure that all changes are undone in the right order.
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
