"""Calls to Metabase as a user, from the server. Needs the extra `[client]`: httpx."""

from __future__ import annotations

from django_metabase_sso.client.aio import AsyncMetabaseClient
from django_metabase_sso.client.errors import MetabaseRefused, MetabaseUnavailable
from django_metabase_sso.client.identity import agent_headers
from django_metabase_sso.client.sync import MetabaseClient

__all__ = [
    "AsyncMetabaseClient",
    "MetabaseClient",
    "MetabaseRefused",
    "MetabaseUnavailable",
    "agent_headers",
]
