"""Metabase's side, from Django: what an administrator's API key can see and change there."""

from __future__ import annotations
