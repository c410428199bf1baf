"""Signs the users of a Django site in to Metabase: JWT single sign-on for all kinds of embeds."""

from __future__ import annotations

__version__ = "0.1.0"
