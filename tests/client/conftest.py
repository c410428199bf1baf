from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from pytest_django import Settings

from django_metabase_sso.client import AsyncMetabaseClient, MetabaseClient
from tests.conftest import Configure
from tests.doctor.conftest import Metabase
from tests.e2e.servers import standin
from tests.test_redacted import assert_clean

Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def standin_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("standin") / "log"
    with standin("http://localhost/sso/metabase", [], log) as url:
        yield url
    assert_clean(log.read_text())


@pytest.fixture
def metabase(standin_url: str, configure: Configure) -> Metabase:
    """The stand-in as new, in INSTANCE_URL."""
    found = Metabase(standin_url)
    found.reset()
    configure(INSTANCE_URL=standin_url)
    return found


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, settings: Settings) -> Ask:
    """Return a function that makes one call, with each of the twins; `logout` is one, too."""

    def plainly(user: Any, method: str, *path: str, timeout: Any = None, **options: Any) -> Any:
        with MetabaseClient(user, timeout=timeout) as client:
            return getattr(client, method)(*path, **options)

    async def awaited(user: Any, method: str, *path: str, timeout: Any = None, **o: Any) -> Any:
        async with AsyncMetabaseClient(user, timeout=timeout) as client:
            return await getattr(client, method)(*path, **o)

    return plainly if request.param == "sync" else async_to_sync(awaited)


def email_of(answer: httpx.Response) -> Any:
    """Return whom Metabase took the caller for."""
    return answer.json()["email"]
