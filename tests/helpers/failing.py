"""Caches and a database that stop working."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.db.utils import OperationalError

LOCATION = "sessions"  # LocMemCache has one store for each location


class CacheGoneError(Exception):
    """The exception of a cache whose server is down."""


class UnwritableCache(LocMemCache):
    """A cache that can be read but not written."""

    def set(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise CacheGoneError("the cache takes no writes")


class GoneCache(UnwritableCache):
    """A cache that can be neither read nor written."""

    def get(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise CacheGoneError("the cache is down")

    def has_key(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise CacheGoneError("the cache is down")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise CacheGoneError("the cache is down")


@contextmanager
def gone_database() -> Iterator[None]:
    """Make each query fail as if the server had closed the connection."""

    def refuse(*args: Any) -> NoReturn:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(refuse):
        yield
