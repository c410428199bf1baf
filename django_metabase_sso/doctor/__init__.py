"""Finds out why signing in to Metabase does not work: `manage.py metabase_sso doctor`.

`examine` runs the steps. They are in `metabase` (Metabase's public endpoints), `administrator`
(endpoints that need API_KEY), `exchange` (signing a user in), `site` (this site), `front` (proxies
and caches in front of it) and `pages` (pages of one origin that embed). `remote` sends the
requests, and `report` collects the findings. `explain` describes a user's account in Metabase.
"""

from __future__ import annotations
