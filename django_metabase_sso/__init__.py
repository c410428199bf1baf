"""Signs the users of a Django site in to Metabase: JWT single sign-on for every kind of embed."""

from __future__ import annotations

__version__ = "0.1.0"
