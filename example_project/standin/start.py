"""How the stand-in is started: the environment of its process.

`make metabase` starts it as new, `make demo` and the tests as somebody has set it up already.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

JWT_SECRET = "demo-only-jwt-shared-secret-not-for-production"
EMBEDDING_SECRET = "0123456789abcdef" * 4  # hexadecimal, as Metabase wants it
API_KEY = "mb_demo-only-api-key-not-for-production="
SETTINGS_MODULE = "example_project.standin.settings"


def fresh(url: str) -> dict[str, Any]:
    """Return the settings of a Metabase after its installation, at an address."""
    return {
        "site-url": url,
        "jwt-shared-secret": JWT_SECRET,
        "embedding-secret-key": EMBEDDING_SECRET,
    }


def configured(url: str, provider: str, origins: list[str], **changes: Any) -> dict[str, Any]:
    """Return the settings of a Metabase that is set up for a site and its pages.

    `provider` is the JWT Identity Provider URI. `changes` are other settings, named as in Python:
    `jwt_shared_secret`.
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
    """Return the environment of the stand-in's process: this one's, and how it is to begin.

    `variables` are those that Metabase itself reads, such as MB_JWT_ENABLED; the ones that happen
    to be set in this process are not for the stand-in.
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
