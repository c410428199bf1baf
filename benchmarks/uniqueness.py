"""What REQUIRE_UNIQUE_EMAIL costs as the table of users grows, on PostgreSQL.

The server is that of BENCH_DATABASE_URL (a libpq URL; two databases are made and dropped there),
else one of its own in a temporary folder, for which PostgreSQL's server programs must be there.
"""

from __future__ import annotations

import os
import pwd
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from load import Target
from psycopg.conninfo import make_conninfo
from server import manage, running

SIZES = (1_000, 1_000_000)
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "12"))
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "100"))
SLOW_REQUESTS = 10  # without an index each request reads the whole table
INDEX = "CREATE INDEX auth_user_email_lower ON auth_user (LOWER(email))"  # as the check's hint
BAR = 1.2


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
def table(url: str, users: int) -> Iterator[Target]:
    """Run the site on a database of its own with that many users."""
    psql = ["psql", "--quiet", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", url, "-c"]
    name = f"bench_{users}"
    subprocess.run([*psql, f"CREATE DATABASE {name}"], check=True)
    own = make_conninfo(url, dbname=name)
    environment = {"BENCH_DATABASE_URL": own, "BENCH_UNIQUE_EMAIL": "1"}
    manage(["django", "migrate", "--verbosity=0"], environment)
    keys = tuple(manage(["seed", str(users)], environment).split())
    sql(own, "VACUUM ANALYZE")
    with running(environment) as port:
        yield Target(port, "/sso/metabase?response=json", keys)
    subprocess.run([*psql, f"DROP DATABASE {name}"], check=True)


def sql(url: str, statement: str) -> None:
    """Run one statement."""
    subprocess.run(["psql", "--quiet", "--no-psqlrc", url, "-c", statement], check=True)


def p50(small: Target, large: Target, requests: int) -> tuple[list[float], float]:
    """Return the p50 of both in milliseconds, and the median over the rounds of their ratio."""
    figures: list[tuple[float, float]] = []
    for number in range(ROUNDS + 1):
        pair = [statistics.median(one.block(requests).latencies) * 1e3 for one in (small, large)]
        if number:  # the first round warms up
            figures.append((pair[0], pair[1]))
    medians = [statistics.median(column) for column in zip(*figures, strict=True)]
    return medians, statistics.median(large / small for small, large in figures)


def main() -> None:
    """Measure without and with the index, and print the table."""
    if shutil.which("psql") is None:
        raise SystemExit("psql is not installed.")
    with cluster() as url, table(url, SIZES[0]) as small, table(url, SIZES[1]) as large:
        print("| the view's p50, ms | 1,000 users | 1,000,000 users | ratio |")
        print("|---|---:|---:|---:|")
        for name, requests in [("without the index", SLOW_REQUESTS), ("with it", REQUESTS)]:
            if requests == REQUESTS:
                for size in SIZES:
                    own = make_conninfo(url, dbname=f"bench_{size}")
                    sql(own, INDEX)
                    sql(own, "ANALYZE")
            medians, ratio = p50(small, large, requests)
            print(f"| {name} | {medians[0]:.2f} | {medians[1]:.2f} | {ratio:.2f} |")
        print(f"\nBar, with the index: {BAR}")


if __name__ == "__main__":
    main()
