"""The environment with which the process of the stand-in is started.

`make metabase` starts it like a new installation; `make demo` and the tests start it configured.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

JWT_SECRET = "demo-only-jwt-shared-secret-not-for-production"
EMBEDDING_SECRET = "0123456789abcdef" * 4  # Metabase requires hexadecimal digits
API_KEY = "mb_demo-only-api-key-not-for-production="
SETTINGS_MODULE = "example_project.standin.settings"


def fresh(url: str) -> dict[str, Any]:
    """Return the settings of a new Metabase at this URL."""
    return {
        "site-url": url,
        "jwt-shared-secret": JWT_SECRET,
        "embedding-secret-key": EMBEDDING_SECRET,
    }


def configured(url: str, provider: str, origins: list[str], **changes: Any) -> dict[str, Any]:
    """Return the settings of a Metabase that is configured for a site.

    `provider` is the JWT Identity Provider URI, and `origins` are those of the pages that embed.
    `changes` are other settings by their Python names, such as `jwt_shared_secret`.
    """
    return {
        **fresh(url),
        "jwt-enabled": True,
        "jwt-identity-provider-uri": provider,
        "jwt-group-sync": True,
        "enable-embedding-sdk": True,
        "enable-embedding-simple": True,
        "enable-embedding-static": True,
        "enable-embedding-interactive": True,
        "embedding-app-origins-sdk": " ".join(origins),
        "embedding-app-origins-interactive": " ".join(origins),
        **changes,
    }


def environment(
    settings: dict[str, Any],
    *,
    version: int = 65,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Return the environment for the process of the stand-in.

    It consists of this process's environment, the settings, and `variables`: those that Metabase
    itself reads, such as MB_JWT_ENABLED. Such variables of this process are left out.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MB_", "STANDIN_")) and name != "MAX_SESSION_AGE"
    }
    return {
        **inherited,
        **variables,
        "DJANGO_SETTINGS_MODULE": SETTINGS_MODULE,
        "STANDIN_SETTINGS": json.dumps(settings),
        "STANDIN_VERSION": str(version),
    }
