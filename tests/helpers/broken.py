"""A module that cannot be imported, for a dotted path in settings."""

from __future__ import annotations

BROKEN = 1 / 0
