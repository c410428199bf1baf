"""Python values as Metabase takes them."""

from __future__ import annotations
