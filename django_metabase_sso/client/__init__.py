"""Calls to Metabase as one of the site's users, from the server. Needs the extra `client`."""

from __future__ import annotations

try:
    import httpx  # noqa: F401
except ImportError as error:
    message = "this needs httpx: pip install 'django-metabase-sso[client]'"
    raise ImportError(message) from error

from django_metabase_sso.client.clients import AsyncMetabaseClient, MetabaseClient
from django_metabase_sso.client.errors import MetabaseError, MetabaseRefused, MetabaseUnavailable
from django_metabase_sso.client.people import agent_headers

__all__ = [
    "AsyncMetabaseClient",
    "MetabaseClient",
    "MetabaseError",
    "MetabaseRefused",
    "MetabaseUnavailable",
    "agent_headers",
]
