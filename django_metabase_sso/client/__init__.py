"""Calls to Metabase as one of the site's users, from the server. Needs the extra `client`.

With `"django_metabase_sso.client"` in INSTALLED_APPS, signing out of Django drops the sessions
that the client keeps for the user.
"""

from __future__ import annotations

try:
    import httpx  # noqa: F401
except ImportError as error:
    message = "this needs httpx: pip install 'django-metabase-sso[client]'"
    raise ImportError(message) from error

from django_metabase_sso.client.clients import AsyncMetabaseClient, MetabaseClient
from django_metabase_sso.client.requests import agent_headers
from django_metabase_sso.exceptions import MetabaseError, MetabaseRefused, MetabaseUnavailable

__all__ = [
    "AsyncMetabaseClient",
    "MetabaseClient",
    "MetabaseError",
    "MetabaseRefused",
    "MetabaseUnavailable",
    "agent_headers",
]
