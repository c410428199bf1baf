from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import override_settings


@pytest.fixture(scope="module", autouse=True)
def _site(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run a module's properties under its SITE; nothing changes between two examples."""
    site: override_settings | None = getattr(request.module, "SITE", None)
    if site is None:
        yield
        return
    with site:
        yield
