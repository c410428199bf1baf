"""Finds and starts real servers for the tests.

A server is expected at the URL in its environment variable. If the variable is not set, it is
looked for where `make services` started it, and then at its usual port.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymemcache
import pymysql
import redis

from tests.servers.ports import free_port

STARTED = (
    Path(__file__).parents[2] / ".services.json"
)  # written by `make services`: the servers by name
PATIENCE = 60  # seconds for a server to start


@dataclass(frozen=True)
class Server:
    """A kind of server: how to find out whether one answers, and how to start one.

    The commands are those of Debian's packages.
    """

    name: str
    variable: str
    usual: str
    ask: Callable[[str], object]
    commands: Callable[[Path, int], list[list[str]]]
    user: str  # who runs it if this process belongs to root

    @property
    def missing(self) -> str:
        """What to do if no such server answers."""
        return f"No {self.name} answers: `make services` starts one."

    def find(self) -> str | None:
        """Return the URL of a server that answers, or None.

        If the server in the environment variable does not answer, the driver's exception is
        raised.
        """
        named = os.environ.get(self.variable)
        if named:
            self.ask(named)
            return named
        started = read_started().get(self.name)
        return next(
            filter(self.answers, [*([started["url"]] if started else []), self.usual]), None
        )

    def answers(self, url: str) -> bool:
        """Return whether a server at this URL can be used."""
        try:
            self.ask(url)
        except Exception:  # noqa: BLE001 - each driver has its own exceptions
            return False
        return True

    def start(self, folder: Path, *options: str) -> tuple[str, int]:
        """Start a server with its data in `folder`; return its URL and its process id.

        Raises FileNotFoundError, which names the package to install, and TimeoutError with the
        log.
        """
        port = free_port()
        *before, command = self.commands(folder, port)
        is_root = os.geteuid() == 0  # none of the servers runs as root
        shutil.chown(folder, self.user if is_root else os.geteuid())
        log = folder / "log"
        with log.open("wb") as output:
            options_of: dict[str, Any] = {"stdout": output, "stderr": output, "cwd": folder}
            options_of |= {"user": self.user, "extra_groups": []} if is_root else {}
            for prepare in before:
                subprocess.run(prepare, check=True, **options_of)
            process = subprocess.Popen([*command, *options], start_new_session=True, **options_of)
        parts = urlsplit(self.usual)
        url = parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{port}")).geturl()
        end = time.monotonic() + PATIENCE
        while not self.answers(url):
            if process.poll() is not None or time.monotonic() > end:
                raise TimeoutError(f"{self.name} did not start: {log.read_text()[-2000:]}")
            time.sleep(0.1)
        process.returncode = 0  # the server outlives this object, which would warn about it
        return url, process.pid

    @contextmanager
    def running(self, *options: str) -> Iterator[str]:
        """Run a server with these options for the duration of the block; yield its URL."""
        with TemporaryDirectory() as name:
            url, pid = self.start(Path(name), *options)
            try:
                yield url
            finally:
                stop(pid)


def read_started() -> dict[str, Any]:
    """Return the URL, process id and folder of each server that `make services` started."""
    found: dict[str, Any] = json.loads(STARTED.read_text()) if STARTED.exists() else {}
    return found


def stop(pid: int) -> None:
    """Stop a server. If this process started it, wait until it has ended."""
    os.kill(pid, signal.SIGTERM)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _program(name: str, package: str) -> str:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", *map(str, versions)])
    found = shutil.which(name, path=path)
    if found is None:
        raise FileNotFoundError(f"{name} is missing: `apt-get install {package}`.")
    return found


def _ask_postgresql(url: str) -> None:
    psycopg.connect(url, connect_timeout=3).close()


def _ask_mariadb(url: str) -> None:
    parts = urlsplit(url)
    pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password or "",
        connect_timeout=3,
    ).close()


def _ask_redis(url: str) -> None:
    client = redis.Redis.from_url(url, socket_timeout=3)
    try:
        client.ping()
    finally:
        client.close()


def _ask_memcached(url: str) -> None:
    parts = urlsplit(url)
    client = pymemcache.Client((parts.hostname, parts.port), 3, 3)
    try:
        client.version()
    finally:
        client.close()


def _postgresql(folder: Path, port: int) -> list[list[str]]:
    data = str(folder / "data")
    initdb, postgres = (_program(name, "postgresql") for name in ("initdb", "postgres"))
    options = [f"-cunix_socket_directories={folder}", "-cfsync=off", "-cfull_page_writes=off"]
    return [
        [initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
        [postgres, "-D", data, "-h", "127.0.0.1", "-p", str(port), *options],
    ]


def _mariadb(folder: Path, port: int) -> list[list[str]]:
    install, mariadbd = (
        _program(name, "mariadb-server") for name in ("mariadb-install-db", "mariadbd")
    )
    common = ["--no-defaults", f"--datadir={folder / 'data'}"]
    where = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder / 'socket'}"]
    return [
        [install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
        [mariadbd, *common, *where, f"--pid-file={folder / 'pid'}"],
    ]


def _redis(folder: Path, port: int) -> list[list[str]]:
    server = _program("redis-server", "redis-server")
    where = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    return [[server, *where, "--save", "", "--appendonly", "no"]]


def _memcached(folder: Path, port: int) -> list[list[str]]:
    server = _program("memcached", "memcached")
    return [[server, "-l", "127.0.0.1", "-p", str(port), "-P", str(folder / "pid")]]


POSTGRESQL = Server(
    "PostgreSQL",
    "TEST_POSTGRESQL_URL",
    "postgresql://postgres@127.0.0.1:5432/postgres",
    _ask_postgresql,
    _postgresql,
    user="postgres",
)
MARIADB = Server(
    "MariaDB",
    "TEST_MARIADB_URL",
    "mysql://root@127.0.0.1:3306",
    _ask_mariadb,
    _mariadb,
    user="mysql",
)
REDIS = Server(
    "Redis",
    "TEST_REDIS_URL",
    "redis://127.0.0.1:6379",
    _ask_redis,
    _redis,
    user="redis",
)
MEMCACHED = Server(
    "Memcached",
    "TEST_MEMCACHED_URL",
    "memcached://127.0.0.1:11211",
    _ask_memcached,
    _memcached,
    user="memcache",
)
SERVERS = (POSTGRESQL, MARIADB, REDIS, MEMCACHED)
