"""The connections to Metabase that the threads of a process share."""

from __future__ import annotations

import atexit
import os
import threading

import httpx

from django_metabase_sso.client.calls import http_options

_lock = threading.Lock()
_pools: dict[int, httpx.Client] = {}


def shared() -> httpx.Client:
    """Return the httpx client of this process; a fork gets its own, not its parent's sockets."""
    with _lock:
        if os.getpid() not in _pools:
            _pools[os.getpid()] = httpx.Client(**http_options())
        return _pools[os.getpid()]


@atexit.register
def close() -> None:
    """Close this process's connections; the next call opens new ones."""
    with _lock:
        pool = _pools.pop(os.getpid(), None)
    if pool is not None:
        pool.close()


class Borrowed(httpx.BaseTransport):
    """The caller's transport, which is not ours to close."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self.handle_request = transport.handle_request  # type: ignore[method-assign]


class AsyncBorrowed(httpx.AsyncBaseTransport):
    """The same, for the asynchronous client."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self.handle_async_request = transport.handle_async_request  # type: ignore[method-assign]
