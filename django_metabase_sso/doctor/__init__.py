"""Finds out why signing in to Metabase does not work: `manage.py metabase_sso doctor`.

One noun in each module, each returning findings; `examination.examine` puts them in their order.
"""

from __future__ import annotations
