"""The site as a project runs it, for `crossing.py`: the usual middleware and callables.

The secret is read from the file of BENCH_SITE_SECRET_FILE each time, so it can be switched.
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
INSTALLED_APPS = [*base.INSTALLED_APPS, "django.contrib.messages", "corsheaders"]
MIDDLEWARE = [
    "django_metabase_sso.middleware.SSOCorsMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# Under ASGI each request has a thread of its own, whose connection would never be closed.
CONN_MAX_AGE = int(os.environ.get("BENCH_SITE_CONN_MAX_AGE", "0"))
DATABASES = {"default": {**base.DATABASES["default"], "CONN_MAX_AGE": CONN_MAX_AGE}}
