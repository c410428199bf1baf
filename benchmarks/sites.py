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
from dataclasses import dataclass
from pathlib import Path

from load import Target, get, post
from postgres import database, sql
from psycopg.conninfo import conninfo_to_dict
from seed import PASSWORD, Person
from server import HERE, WORKSHOP, manage, running, site_environment

EXPRESS = ("node", str(HERE / "express/server.js"), "{fd}")
START = "import django; django.setup(); import bench_site.urls"
START_EXPRESS = "for (const name of ['express', 'express-session', 'jsonwebtoken']) require(name)"
OWN_USER = {"BENCH_SITE_OWN_USER": "1"}
# What Django makes of UniqueConstraint(Lower("email")), and the hint of metabase_sso.W012 but for
# the UNIQUE.
INDEX = "CREATE UNIQUE INDEX auth_user_email_lower ON auth_user (LOWER(email))"
UNIQUE = {"BENCH_SITE_UNIQUE_EMAIL": "1"}
Asks = Callable[[Person], bytes]


@dataclass(frozen=True)
class Database:
    """A database with users: how the site and Express find it, and who is signed in."""

    site: dict[str, str]
    express: dict[str, str]
    people: list[Person]


@dataclass(frozen=True)
class Site:
    """A server: its row's name, its variant of the site, what a person asks of it."""

    name: str
    variant: str
    asks: Asks
    expected: bytes = b'"jwt":'
    extra: tuple[tuple[str, str], ...] = ()

    def environment(self, base: Database) -> dict[str, str]:
        """Return the variables that it runs with."""
        if self.variant == "express":
            from bench_site.settings import JWT_SHARED_SECRET, SECRET_KEY

            keys = {"SECRET_KEY": SECRET_KEY, "JWT_SHARED_SECRET": JWT_SHARED_SECRET}
            groups = "BENCH_SITE_GROUPS" in base.site
            return {
                **keys,
                **base.express,
                **({"GROUPS": "1"} if groups else {}),
                "NODE_PATH": str(WORKSHOP / "node_modules"),
                "NODE_ENV": "production",
            }
        return {**base.site, **dict(self.extra), "BENCH_SITE_VARIANT": self.variant}

    @contextmanager
    def target(self, base: Database, people: list[Person] | None = None) -> Iterator[Target]:
        """Run it on a database."""
        with self.running(base) as port:
            yield self.at(port, base.people if people is None else people)

    def running(self, base: Database) -> AbstractContextManager[int]:
        """Run it on a database; give its port."""
        command = {"command": EXPRESS} if self.variant == "express" else {}
        return running(self.environment(base), **command)

    def at(self, port: int, people: list[Person]) -> Target:
        """Return the target that these people ask."""
        return Target(port, [self.asks(person) for person in people], self.expected)

    def start_command(self) -> list[str]:
        """Return the command that imports all the server needs, and no more."""
        if self.variant == "express":
            return ["node", "-e", START_EXPRESS]
        return [sys.executable, "-c", START]

    def queries(self, base: Database) -> int:
        """Return how many queries a request makes."""
        person = base.people[0]
        if self.variant == "express":
            with self.target(base, [person]) as target:
                target.block(1)
                return target.usage().queries
        request = self.asks(person).decode()
        return int(manage(["count", request], self.environment(base)))


def _with_session(path: str) -> Asks:
    return lambda person: get(path, person["django"])


def _express(person: Person) -> bytes:
    return get("/sso/metabase?response=json", person["express"])


def _refresh(person: Person) -> bytes:
    return post("/simplejwt/refresh", {"refresh": person["refresh"]})


def _obtain(person: Person) -> bytes:
    body = {"username": person["username"], "password": PASSWORD}
    return post("/simplejwt/obtain", body)


_ours = _with_session("/sso/metabase?response=json")
OURS_OFF = Site("ours, REQUIRE_UNIQUE_EMAIL off", "ours", _ours)
OURS = Site("ours, no index", "ours", _ours, extra=tuple(UNIQUE.items()))
OURS_INDEX = Site("ours, index on LOWER(email)", "ours", _ours, extra=tuple(UNIQUE.items()))
OURS_UNIQUE = Site(
    "ours, unique constraint", "ours", _ours, extra=tuple({**UNIQUE, **OWN_USER}.items())
)
HANDWRITTEN = Site("hand-written", "handwritten", _with_session("/handwritten/metabase"))
REST = Site("Django REST framework", "rest", _with_session("/rest/metabase"))
REFRESH = Site("SimpleJWT, refresh", "simplejwt", _refresh, b'"access":')
OBTAIN = Site("SimpleJWT, obtain (a password)", "simplejwt", _obtain, b'"access":')
NODE = Site("Express", "express", _express)


@contextmanager
def sqlite(
    folder: Path, name: str, users: int, *, unique: bool = False, groups: bool = False
) -> Iterator[Database]:
    """Make a SQLite file with that many users."""
    file = folder / f"{name}.sqlite3"
    site = {"BENCH_SITE_SQLITE": str(file), **_with_groups(groups=groups)}
    people = json.loads(manage(["seed", str(users)], site))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(INDEX if unique else "ANALYZE")
    yield Database(site, {"SQLITE": str(file)}, people)


@contextmanager
def postgresql(
    url: str, name: str, users: int, *, unique: bool = False, groups: bool = False
) -> Iterator[Database]:
    """Make a PostgreSQL database with that many users."""
    with database(url, name) as own:
        site = {"BENCH_SITE_DATABASE_URL": own, **_with_groups(groups=groups)}
        people = json.loads(manage(["seed", str(users)], site))
        if unique:
            sql(own, INDEX)
        sql(own, "VACUUM ANALYZE")
        express = {
            "PG" + {"dbname": "DATABASE"}.get(key, key.upper()): str(value)
            for key, value in conninfo_to_dict(own).items()
        }
        yield Database(site, express, people)


def _with_groups(*, groups: bool) -> dict[str, str]:
    return {"BENCH_SITE_GROUPS": "1"} if groups else {}


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
