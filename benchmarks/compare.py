"""`make compare`: our view beside four others, and as groups and users grow.

Prints the tables of README.md. BENCH_ROUNDS sets the rounds.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import sites
from load import Block, Variant, measure
from postgres import cluster
from seed import GROUP_SIZES
from server import install_express
from sites import Database

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "20"))
USERS = (1_000, 100_000, 1_000_000)
REQUESTS, SLOW = 50, 3  # in a block; SLOW where each reads a whole table
COMPARED = [
    sites.HANDWRITTEN,
    sites.OURS_OFF,
    sites.OURS,
    sites.REST,
    sites.REFRESH,
    sites.NODE,
]
Make = Callable[..., AbstractContextManager[Database]]


def side_by_side(make: Make, engine: str) -> None:
    """Compare all of them across origins, on one small database; print the table."""
    compared = [replace(site, is_cross=True) for site in COMPARED]
    with ExitStack() as stack:
        base = stack.enter_context(make("side", USERS[0]))
        variants = [
            Variant(site.name, stack.enter_context(site.target(base)), REQUESTS)
            for site in compared
        ]
        measure(variants, ROUNDS)
        starts = sites.start_seconds(compared, base, 11)
        columns = "requests/s | p50 ms | p99 ms | queries | RSS MB | start s"
        print(f"\n{engine}, 1,000 users, cross-origin:\n")
        print(f"| | CPU ms | by hand-written | {columns} |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
        for site, variant in zip(compared, variants, strict=True):
            print(
                f"| {site.name} | {variant.median(lambda block: block.cpu) * 1_000:.2f}"
                f" | {variant.ratio(variants[0], lambda block: block.cpu):.2f}"
                f" | {variant.median(lambda block: block.rate):.0f}"
                f" | {variant.percentile(50):.2f} | {variant.percentile(99):.2f}"
                f" | {site.queries(base)} | {variant.target.usage().rss:.0f}"
                f" | {statistics.median(starts[site.name]):.2f} |",
                flush=True,
            )


def groups(make: Make, engine: str) -> None:
    """Compare ours with the hand-written view as the groups in the token grow."""
    figures: dict[str, list[Variant]] = {}
    with ExitStack() as stack:
        base = stack.enter_context(make("groups", USERS[0], groups=True))
        for site in (sites.OURS_OFF, sites.HANDWRITTEN):
            port = stack.enter_context(site.running(base))
            figures[site.name] = [
                Variant(site.name, site.at(port, people), REQUESTS)
                for size in GROUP_SIZES
                if (people := [one for one in base.people if one["groups"] == size])
            ]
        measure([variant for row in figures.values() for variant in row], ROUNDS)
    title = f"CPU ms as the groups in the token grow, {engine}"
    _growth(title, GROUP_SIZES, figures, lambda block: block.cpu * 1_000)


def users(make: Make, engine: str) -> None:
    """Compare them as the table of users grows, without and with a unique address."""
    figures: dict[str, list[Variant]] = {}
    with ExitStack() as stack:
        for size in USERS:
            plain = stack.enter_context(make(f"plain_{size}", size))
            unique = stack.enter_context(make(f"unique_{size}", size, unique=True))
            rows = [
                (sites.OURS, plain),
                (sites.OURS_INDEX, unique),  # as without the constraint: it has the same index
                (sites.OURS_UNIQUE, unique),
                (sites.HANDWRITTEN, plain),
            ]
            for site, base in rows:
                count = SLOW if site is sites.OURS and size > USERS[0] else REQUESTS
                target = stack.enter_context(site.target(base))
                figures.setdefault(site.name, []).append(Variant(site.name, target, count))
        measure([variant for row in figures.values() for variant in row], ROUNDS)
    title = f"p50 in ms as the table of users grows, {engine}"
    _growth(title, USERS, figures, lambda block: block.p50)


def _growth(
    title: str,
    steps: tuple[int, ...],
    figures: dict[str, list[Variant]],
    taken: Callable[[Block], float],
) -> None:
    print(f"\n{title}:\n")
    print(f"| | {' | '.join(f'{step:,}' for step in steps)} | last by first |")
    print(f"|---|{'---:|' * (len(steps) + 1)}")
    for name, row in figures.items():
        cells = [f"{variant.median(taken):.2f}" for variant in row]
        ratio = row[-1].ratio(row[0], taken)
        print(f"| {name} | {' | '.join(cells)} | {ratio:.2f} |", flush=True)


def main() -> None:
    """Measure and print everything."""
    install_express()
    print(f"{ROUNDS} rounds; Python {sys.version.split()[0]}", flush=True)
    with tempfile.TemporaryDirectory() as name, cluster() as url:
        engines: dict[str, Make] = {
            "SQLite": partial(sites.sqlite, Path(name)),
            "PostgreSQL": partial(sites.postgresql, url),
        }
        for engine, make in engines.items():
            side_by_side(make, engine)
        groups(engines["SQLite"], "SQLite")
        for engine, make in engines.items():
            users(make, engine)


if __name__ == "__main__":
    main()
