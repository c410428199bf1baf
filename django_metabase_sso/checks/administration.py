"""Checks of `API_KEY` and `END_ACCESS`."""

from __future__ import annotations

from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Tags

from django_metabase_sso.checks.messages import as_written, read, register
from django_metabase_sso.conf import addresses


@register(Tags.security)
def check_api_key(**kwargs: Any) -> list[CheckMessage]:
    """Report a key that would travel over http, for which it is not sent."""
    instance = read("INSTANCE_URL")
    if as_written("API_KEY") is None or instance is None:
        return []
    if instance.origin.startswith("https:") or addresses.parse_origin(instance.origin).is_local:
        return []
    return [
        checks.Error(
            "METABASE_SSO['API_KEY'] is set, but 'INSTANCE_URL' is http: the key is not sent.",
            f'Write "INSTANCE_URL": "https{str(instance)[4:]}".',
            id="metabase_sso.E032",
        )
    ]


@register(Tags.security)
def check_end_access(**kwargs: Any) -> list[CheckMessage]:
    """Report what END_ACCESS lacks: the key, or a Metabase that can do it."""
    ends = read("END_ACCESS")
    if not ends:
        return []
    found: list[CheckMessage] = []
    if as_written("API_KEY") is None:
        found.append(
            checks.Error(
                "METABASE_SSO['END_ACCESS'] is set, but 'API_KEY' is not: no access is ended.",
                'Write "API_KEY": os.environ["METABASE_API_KEY"], a key of the group'
                " Administrators.",
                id="metabase_sso.E029",
            )
        )
    if "logout" in ends and read("REDIRECT_PARAMS") == {}:
        found.append(
            checks.Warning(
                "METABASE_SSO['END_ACCESS'] contains 'logout', which needs Metabase 65 or newer,"
                " but 'REDIRECT_PARAMS' is {}, as for Metabase 54 and older.",
                'Remove "logout". Signing out of Django then does not end sessions in Metabase.',
                id="metabase_sso.W032",
            )
        )
    return found
