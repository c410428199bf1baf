"""Finds out why signing in to Metabase does not work: `manage.py metabase_sso doctor`.

One noun in each module, with steps that yield findings; `examination.examine` puts them in order.
"""

from __future__ import annotations
