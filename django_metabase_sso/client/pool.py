"""The connections to Metabase, which the threads of a process share."""

from __future__ import annotations

import atexit
import os
import ssl
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

_pools: dict[int, httpx.Client] = {}


def shared() -> httpx.Client:
    """Return the httpx client of this process; a fork gets its own, not its parent's sockets."""
    pid = os.getpid()
    # Where two threads make one each, the one that is not kept has opened nothing yet.
    return _pools.get(pid) or _pools.setdefault(pid, httpx.Client(**options()))


@atexit.register
def close() -> None:
    """Close this process's connections; the next call opens new ones."""
    pool = _pools.pop(os.getpid(), None)
    if pool is not None:
        pool.close()


def options() -> dict[str, Any]:
    """Return the arguments of an httpx client that goes nowhere else and keeps no cookies."""
    return {
        "follow_redirects": False,
        "cookies": CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        "verify": _certificates(),
        "headers": {"User-Agent": "django-metabase-sso"},
    }


@cache
def _certificates() -> ssl.SSLContext:
    """Return what servers are verified by; reading it takes longer than a call."""
    return httpx.create_ssl_context()
