"""Metabase's API for administrators, who use a session or an API key in `X-API-Key`."""
