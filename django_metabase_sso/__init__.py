"""Signs the users of a Django site in to Metabase: JWT single sign-on for every kind of embed.

PYTEST_DONT_REWRITE: else pytest, which finds our fixture, warns when Django was there before it.
"""

from __future__ import annotations

__version__ = "0.1.0"
