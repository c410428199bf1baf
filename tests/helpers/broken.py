"""A module whose import fails; named in settings by a test."""

from __future__ import annotations

BROKEN = 1 / 0
