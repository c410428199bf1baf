"""The servers that are compared, each a process of its own with its own apps alone."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench_site.settings import JWT_SHARED_SECRET, ORIGIN, SECRET_KEY
from load import Target, get, post, preflight
from postgres import database, sql
from psycopg.conninfo import conninfo_to_dict
from seed import Person
from server import GUNICORN, HERE, UVICORN, WORKSHOP, manage, running, site_environment

EXPRESS = ("node", str(HERE / "express/server.js"), "{fd}")
PATH = "/sso/metabase?response=json"
START = "import django; django.setup(); import bench_site.urls"
START_EXPRESS = "for (const name of ['express', 'express-session', 'jsonwebtoken']) require(name)"
# What Django makes of UniqueConstraint(Lower("email")), and the hint of metabase_sso.W012 but for
# the UNIQUE.
INDEX = "CREATE UNIQUE INDEX auth_user_email_lower ON auth_user (LOWER(email))"
UNIQUE = (("BENCH_SITE_UNIQUE_EMAIL", "1"),)
OWN_USER = (("BENCH_SITE_OWN_USER", "1"),)
Asks = Callable[[Person, str], bytes]


@dataclass(frozen=True)
class Database:
    """A database with users: how the site and Express find it, and who is signed in."""

    site: dict[str, str]
    express: dict[str, str]
    people: list[Person]


def _token(person: Person, origin: str) -> bytes:
    return get(PATH, person["django"], origin)


@dataclass(frozen=True)
class Site:
    """A server: its row's name, its variant of the site, what a person asks of it.

    With `is_cross`, a front end on another origin asks, and the site lets it; with `is_asgi`, the
    site runs under uvicorn.
    """

    name: str
    variant: str = "ours"
    asks: Asks = _token
    expected: bytes = b'"jwt":'
    status: int = 200
    extra: tuple[tuple[str, str], ...] = ()
    is_cross: bool = False
    is_asgi: bool = False

    def environment(self, base: Database) -> dict[str, str]:
        """Return the variables that it runs with."""
        if self.variant == "express":
            return {
                "SECRET_KEY": SECRET_KEY,
                "JWT_SHARED_SECRET": JWT_SHARED_SECRET,
                **({"ORIGIN": ORIGIN} if self.is_cross else {}),
                **base.express,
                "NODE_PATH": str(WORKSHOP / "node_modules"),
                "NODE_ENV": "production",
            }
        return {
            **base.site,
            **dict(self.extra),
            "BENCH_SITE_VARIANT": self.variant,
            "BENCH_SITE_CROSS": str(int(self.is_cross)),
            "BENCH_SITE_ASGI": str(int(self.is_asgi)),
        }

    @contextmanager
    def target(self, base: Database) -> Iterator[Target]:
        """Run it on a database."""
        with self.running(base) as port:
            yield self.at(port, base.people)

    def running(self, base: Database) -> AbstractContextManager[int]:
        """Run it on a database; give its port."""
        if self.variant == "express":
            return running(self.environment(base), EXPRESS)
        return running(self.environment(base), UVICORN if self.is_asgi else GUNICORN)

    def at(self, port: int, people: list[Person]) -> Target:
        """Return the target that these people ask."""
        origin = ORIGIN if self.is_cross else ""
        requests = [self.asks(person, origin) for person in people]
        return Target(port, requests, self.expected, self.status)

    def start_command(self) -> list[str]:
        """Return the command that imports all the server needs, and no more."""
        if self.variant == "express":
            return ["node", "-e", START_EXPRESS]
        return [sys.executable, "-c", START]

    def queries(self, base: Database) -> int:
        """Return how many queries a request makes."""
        person = base.people[0]
        if self.variant == "express":
            with self.running(base) as port:
                target = self.at(port, [person])
                target.block(1)
                return target.usage().queries
        request = self.asks(person, ORIGIN if self.is_cross else "").decode()
        return int(manage(["count", request], self.environment(base)))


def _preflight(person: Person, origin: str) -> bytes:
    return preflight(PATH, origin)


def _anonymous(person: Person, origin: str) -> bytes:
    return get(PATH, "", origin)


def _express(person: Person, origin: str) -> bytes:
    return get(PATH, person["express"], origin)


def _refresh(person: Person, origin: str) -> bytes:
    return post("/sso/refresh", {"refresh": person["refresh"]}, origin)


OURS_OFF = Site("this package, REQUIRE_UNIQUE_EMAIL off")
OURS = Site("this package, no index", extra=UNIQUE)
OURS_INDEX = Site("this package, index on LOWER(email)", extra=UNIQUE)
OURS_UNIQUE = Site("this package, unique constraint", extra=(*UNIQUE, *OWN_USER))
HANDWRITTEN = Site("hand-written", "handwritten")
HANDWRITTEN_ASYNC = Site("hand-written, async", "handwritten async")
REST = Site("Django REST framework", "rest")
REFRESH = Site("SimpleJWT, refresh", "simplejwt", _refresh, b'"access":')
NODE = Site("Express", "express", _express)


def preflight_of(site: Site) -> Site:
    """Return what a browser asks of the site before a request with a header of its own."""
    return replace(site, asks=_preflight, expected=b"ccess-", is_cross=True)


def anonymous_of(site: Site) -> Site:
    """Return what somebody who is not signed in asks of the site."""
    return replace(site, asks=_anonymous, expected=b"not authenticated", status=401)


@contextmanager
def sqlite(
    folder: Path, name: str, users: int, *, unique: bool = False, groups: bool = False
) -> Iterator[Database]:
    """Make a SQLite file with that many users."""
    file = folder / f"{name}.sqlite3"
    site = {"BENCH_SITE_SQLITE": str(file)}
    people = json.loads(manage(["seed", str(users), "groups" * groups], site))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(INDEX if unique else "ANALYZE")
    yield Database(site, {"SQLITE": str(file)}, people)


@contextmanager
def postgresql(
    url: str, name: str, users: int, *, unique: bool = False, groups: bool = False
) -> Iterator[Database]:
    """Make a PostgreSQL database with that many users."""
    with database(url, name) as own:
        site = {"BENCH_SITE_DATABASE_URL": own}
        people = json.loads(manage(["seed", str(users), "groups" * groups], site))
        if unique:
            sql(own, INDEX)
        sql(own, "VACUUM ANALYZE")
        express = {
            "PG" + {"dbname": "DATABASE"}.get(key, key.upper()): str(value)
            for key, value in conninfo_to_dict(own).items()
        }
        yield Database(site, express, people)


def start_seconds(sites: list[Site], base: Database, rounds: int) -> dict[str, list[float]]:
    """Return what it took, each time, to start Python or Node and import what a site needs."""
    taken: dict[str, list[float]] = {site.name: [] for site in sites}
    for _ in range(rounds):
        for site in random.sample(sites, len(sites)):
            environment = site_environment(site.environment(base))
            start = time.perf_counter()
            subprocess.run(site.start_command(), env=environment, check=True)
            taken[site.name].append(time.perf_counter() - start)
    return taken
