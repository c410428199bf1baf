"""What is there until it is gone: caches and a database that fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.db.utils import OperationalError

LOCATION = "sessions"  # LocMemCache keeps one store for each


class CacheGoneError(Exception):
    """As the client of a cache server raises it."""


class UnwritableCache(LocMemCache):
    """Reads what was there before; no write gets through."""

    def set(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise CacheGoneError("the cache takes no writes")


class GoneCache(UnwritableCache):
    """Nothing gets through."""

    def get(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise CacheGoneError("there is no cache")

    def has_key(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise CacheGoneError("there is no cache")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise CacheGoneError("there is no cache")


@contextmanager
def gone_database() -> Iterator[None]:
    """Let every query fail as it does when the server has closed the connection."""

    def refuse(*args: Any) -> NoReturn:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(refuse):
        yield
