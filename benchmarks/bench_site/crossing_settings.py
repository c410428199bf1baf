"""The site for `crossing.py`: with callables, and a secret that can be switched.

The secret is read from the file of BENCH_SITE_SECRET_FILE each time.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from bench_site import settings as base
from bench_site.settings import *  # noqa: F403

SECRET_FILE = Path(os.environ.get("BENCH_SITE_SECRET_FILE", "/nowhere"))


def shared_secret() -> str:
    """Return the secret as it is now: a callable for JWT_SHARED_SECRET."""
    return SECRET_FILE.read_text()


def groups(user: Any, request: Any) -> list[str]:
    """Return a group of the user's own."""
    return [f"group of {user.username}"]


def attributes(user: Any, request: Any) -> dict[str, Any]:
    """Return what shows whose request it was."""
    return {"cookie": fingerprint(request.COOKIES["sessionid"]), "user_id": user.pk}


def fingerprint(session_key: str) -> str:
    """Return what stands for a session in a token."""
    return hashlib.sha256(session_key.encode()).hexdigest()


METABASE_SSO = {
    **base.METABASE_SSO,
    "JWT_SHARED_SECRET": shared_secret,
    "REQUIRE_UNIQUE_EMAIL": True,
    "GROUP_MAPPING": groups,
    "USER_ATTRIBUTES": attributes,
}
