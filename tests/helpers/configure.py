"""The type of the fixture `configure`, which sets keys of METABASE_SSO."""

from __future__ import annotations

from collections.abc import Callable

Configure = Callable[..., None]
