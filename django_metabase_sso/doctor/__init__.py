"""Finds out why signing in to Metabase does not work: `manage.py metabase_sso doctor`.

`examine` puts the steps in order. They are in `metabase` (what Metabase says to anybody),
`administrator` (what it says with API_KEY), `site` (this site), `front` (what is in front of it)
and `pages` (pages of one origin that embed); `remote` sends the requests, `report` collects the
findings. `explain` says who a user would be in Metabase.
"""

from __future__ import annotations
