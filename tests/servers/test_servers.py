from __future__ import annotations

import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.cache import BaseCache, CacheHandler
from django.db import connections

from tests import servers
from tests.servers import MEMCACHED, REDIS, SERVERS, Server, command
from tests.servers.fixtures import url_of

BACKENDS = {
    "redis": "django.core.cache.backends.redis.RedisCache",
    "memcached": "django.core.cache.backends.memcached.PyMemcacheCache",
}
NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which this test records what it started."""
    monkeypatch.setattr(servers, "STARTED", tmp_path / "started.json")
    monkeypatch.setattr(command, "STARTED", tmp_path / "started.json")
    return tmp_path / "started.json"


@pytest.mark.django_db  # pytest-django does not see the fixtures that are asked for below
@pytest.mark.parametrize("alias", ["postgresql", "mariadb"])
def test_databases(request: pytest.FixtureRequest, alias: str) -> None:
    assert request.getfixturevalue(alias) == alias
    people = User.objects.using(alias)
    assert not people.exists()  # the other test did not leave a table
    User(username="ada").save(using=alias)
    assert people.get().username == "ada"
    assert connections[alias].vendor == {"mariadb": "mysql"}.get(alias, alias)


def cache_at(name: str, location: str) -> BaseCache:
    """Return Django's cache on this kind of server."""
    backend = BACKENDS[name]
    return CacheHandler({"default": {"BACKEND": backend, "LOCATION": location}})["default"]


@pytest.mark.parametrize("name", ["redis", "memcached"])
def test_caches(request: pytest.FixtureRequest, name: str) -> None:
    location = request.getfixturevalue({"redis": "redis_url"}.get(name, "memcached_address"))
    cache = cache_at(name, location)
    cache.set("metabase-sso-tests", "1", timeout=5)
    assert cache.get("metabase-sso-tests") == "1"
    cache.close()


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_start_and_stop(server: Server) -> None:
    with server.running() as url:
        assert server.answers(url)
    assert not server.answers(url)


def test_options_of_its_own() -> None:
    with REDIS.running("--maxmemory", "1") as url:
        cache = cache_at("redis", url)
        with pytest.raises(Exception, match="maxmemory"):
            cache.set("a", "1")
        cache.close()


def test_a_server_that_does_not_start() -> None:
    with pytest.raises(TimeoutError, match="Redis did not start"), REDIS.running("--nonsense"):
        raise AssertionError


def test_a_package_that_is_missing() -> None:
    with pytest.raises(FileNotFoundError, match="missing: `apt-get install x`"):
        servers._program("no-such-program", "x")


def test_the_address_of_the_environment(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    monkeypatch.setenv(REDIS.variable, redis_url)
    assert REDIS.find() == redis_url
    monkeypatch.setenv(REDIS.variable, NOWHERE)
    with pytest.raises(Exception, match="refused"):
        REDIS.find()


def nowhere(server: Server) -> Server:
    """Return this kind of server, as if none of them answered."""
    return replace(server, usual=NOWHERE.replace("redis", server.name.lower()))


@pytest.mark.usefixtures("started")
def test_without_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REDIS.variable, raising=False)
    text = r"No Redis answers: `make services` starts one\."
    with pytest.raises(pytest.skip.Exception, match=text):
        url_of(nowhere(REDIS))


def test_the_command(
    monkeypatch: pytest.MonkeyPatch, started: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for server in SERVERS:
        monkeypatch.delenv(server.variable, raising=False)
    monkeypatch.setattr(command, "SERVERS", [nowhere(REDIS), nowhere(MEMCACHED)])
    assert command.main(["status"]) == 1
    assert capsys.readouterr().out.count("`make services` starts one.") == 2
    assert command.main(["start"]) == 0
    first = capsys.readouterr().out
    assert first.startswith("Redis: redis://127.0.0.1:")
    assert command.main(["start"]) == 0  # they answer now
    assert capsys.readouterr().out == first
    assert command.main(["status"]) == 0
    urls = [where["url"] for where in servers.read_started().values()]
    assert command.main(["stop"]) == 0
    assert not started.exists()
    assert [REDIS.answers(urls[0]), MEMCACHED.answers(urls[1])] == [False, False]
    assert command.main(["status"]) == 1
    assert command.main([]) == 2


def test_another_process_is_not_stopped(started: Path, tmp_path: Path) -> None:
    """The id of a server that has ended may belong to another process."""
    folder = tmp_path / "data"
    folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started.write_text(
            f'{{"Redis": {{"url": "{NOWHERE}", "pid": {process.pid}, "folder": "{folder}"}}}}'
        )
        assert command.main(["stop"]) == 0
        assert process.poll() is None
        process.communicate(b"\n")
    assert not folder.exists()


def test_a_server_of_another_process() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo $!"], stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        pid = int(shell.stdout.readline())
        shell.wait()
        servers.stop(pid)
        assert shell.stdout.read() == b""  # the pipe was open until the server ended


def test_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["servers", "restart"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("tests.servers", run_name="__main__")
    assert ended.value.code == 2
