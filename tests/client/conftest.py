from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.core.cache import cache

from django_metabase_sso.client.clients import close_shared
from tests.helpers.configure import Configure
from tests.helpers.twins import Async, Serve, Sync
from tests.servers.faulty import Faulty, faulty
from tests.servers.standin import Metabase, standin


@pytest.fixture(params=[Sync, Async])
def twin(request: pytest.FixtureRequest) -> Sync:
    """The one client and the other: both have to do the same."""
    made: Sync = request.param()
    return made


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metabase]:
    log = tmp_path_factory.mktemp("standin") / "log"
    with standin("http://localhost/sso/metabase", [], log) as url:
        yield Metabase(url)


@pytest.fixture
def metabase(running: Metabase, configure: Configure) -> Metabase:
    """The stand-in as new, and configured."""
    running.reset()
    configure(INSTANCE_URL=running.url)
    return running


@pytest.fixture
def serve(configure: Configure) -> Iterator[Serve]:
    """Return a function that puts a faulty server where Metabase should be."""
    with ExitStack() as servers:

        def start(*answers: bytes, prefix: str = "") -> Faulty:
            server = servers.enter_context(faulty(*answers))
            configure(INSTANCE_URL=server.url + prefix)
            return server

        yield start


@pytest.fixture(autouse=True)
def as_new() -> Iterator[None]:
    yield
    cache.clear()
    close_shared()
