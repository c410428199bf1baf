"""Calls Metabase's API as a user of your site. Needs the extra `client`.

If `"django_metabase_sso.client"` is in INSTALLED_APPS, the Metabase sessions that the client keeps
for a user are dropped when the user signs out of Django.
"""

from __future__ import annotations

try:
    import httpx  # noqa: F401
except ImportError as error:
    message = "httpx is required: pip install 'django-metabase-sso[client]'"
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
