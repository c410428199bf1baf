"""A PostgreSQL for the benchmarks.

It is the server of BENCH_DATABASE_URL (a libpq URL; databases named bench_* are made and dropped
there), else one of its own in a temporary folder, for which PostgreSQL's server programs must be
there.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo


@contextmanager
def cluster() -> Iterator[str]:
    """Give the URL of the database to use."""
    if url := os.environ.get("BENCH_DATABASE_URL"):
        yield url
        return
    [programs] = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:] or [Path()]
    if not (programs / "initdb").is_file():
        raise SystemExit("PostgreSQL's server is not installed, and BENCH_DATABASE_URL not set.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        as_user: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            as_user = ["runuser", "-u", "postgres", "--"]
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        data, log = str(folder / "data"), str(folder / "log")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder}"

        def run(program: str, *arguments: str) -> None:
            command = [*as_user, str(programs / program), *arguments]
            subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)

        run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "-D", data)
        run("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


@contextmanager
def database(url: str, name: str) -> Iterator[str]:
    """Make the database bench_`name`, give how to connect to it, and drop it."""
    own = make_conninfo(url, dbname=f"bench_{name}")
    sql(url, f"CREATE DATABASE bench_{name}")
    try:
        yield own
    finally:
        sql(url, f"DROP DATABASE bench_{name} WITH (FORCE)")


def sql(url: str, statement: str) -> None:
    """Run one statement."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
