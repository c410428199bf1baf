"""Administration of Metabase from Django, with an administrator's API key."""

from __future__ import annotations
