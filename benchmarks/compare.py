"""`make compare`: our view beside four others, side by side, as groups and users grow.

Prints the tables of README.md and draws the charts of docs/images. BENCH_ROUNDS sets the rounds.
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

import plots
import sites
from load import Variant, measure
from postgres import cluster
from seed import GROUP_SIZES
from server import install_express
from sites import Database, Site

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "30"))
USERS = (1_000, 100_000, 1_000_000)
SLOW = 3  # requests in a block that checks a password or reads a whole table
PEERS = [sites.HANDWRITTEN, sites.REST, sites.REFRESH, sites.NODE]
COMPARED = [sites.OURS_OFF, sites.OURS, *PEERS, sites.OBTAIN]
Make = Callable[..., AbstractContextManager[Database]]


def side_by_side(make: Make, engine: str) -> list[Variant]:
    """Compare all of them on one small database; print the table."""
    compared = [replace(site, is_cross=True) for site in COMPARED]
    with ExitStack() as stack:
        base = stack.enter_context(make("side", 1_000))
        variants = [
            Variant(site.name, stack.enter_context(site.target(base)), _count(site, 100))
            for site in compared
        ]
        measure(variants, ROUNDS)
        starts = sites.start_seconds(compared, base, 11)
        reference = variants[COMPARED.index(sites.HANDWRITTEN)]
        print(f"\n{engine}, 1,000 users, cross-origin:\n")
        columns = "requests/s | p50 ms | p99 ms | queries | RSS MB | start s"
        print(f"| | CPU ms | by hand-written | {columns} |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
        for site, variant in zip(compared, variants, strict=True):
            print(
                f"| {site.name} | {variant.median(lambda block: block.cpu) * 1_000:.2f}"
                f" | {variant.ratio(reference, lambda block: block.cpu):.2f}"
                f" | {variant.median(lambda block: block.rate):.0f}"
                f" | {variant.percentile(50):.2f} | {variant.percentile(99):.2f}"
                f" | {site.queries(base)} | {variant.target.usage().rss:.0f}"
                f" | {statistics.median(starts[site.name]):.2f} |"
            )
    return variants


def groups(make: Make, engine: str) -> None:
    """Compare them as the groups in the token grow."""
    figures: dict[str, list[Variant]] = {}
    with ExitStack() as stack:
        base = stack.enter_context(make("groups", 1_000, groups=True))
        for site in [sites.OURS_OFF, *PEERS]:
            port = stack.enter_context(site.running(base))
            figures[site.name] = [
                Variant(site.name, site.at(port, people), 30)
                for size in GROUP_SIZES
                if (people := [one for one in base.people if one["groups"] == size])
            ]
        measure([variant for row in figures.values() for variant in row], ROUNDS)
    title = f"p50 in ms as the groups of the user grow, {engine}"
    image = f"bench-groups-{engine.lower()}"
    _growth(image, title, "groups in the token", GROUP_SIZES, figures)


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
                *((site, plain) for site in PEERS),
            ]
            for site, base in rows:
                count = SLOW if site is sites.OURS and size > USERS[0] else 30
                target = stack.enter_context(site.target(base))
                figures.setdefault(site.name, []).append(Variant(site.name, target, count))
        measure([variant for row in figures.values() for variant in row], ROUNDS)
    title = f"p50 in ms as the table of users grows, {engine}"
    _growth(f"bench-users-{engine.lower()}", title, "users in the table", USERS, figures)


def _count(site: Site, usual: int) -> int:
    return SLOW if site.name == sites.OBTAIN.name else usual


def _growth(
    image: str, title: str, what: str, steps: tuple[int, ...], figures: dict[str, list[Variant]]
) -> None:
    print(f"\n{title}:\n")
    print(f"| | {' | '.join(f'{step:,}' for step in steps)} | last by first |")
    print(f"|---|{'---:|' * (len(steps) + 1)}")
    series = {}
    for name, row in figures.items():
        series[name] = [variant.median(lambda block: block.p50) for variant in row]
        ratio = row[-1].ratio(row[0], lambda block: block.p50)
        print(f"| {name} | {' | '.join(f'{ms:.2f}' for ms in series[name])} | {ratio:.2f} |")
    plots.lines(image, title, what, list(steps), series)


def main() -> None:
    """Measure, print and draw everything."""
    install_express()
    print(f"{ROUNDS} rounds; Python {sys.version.split()[0]}", flush=True)
    with tempfile.TemporaryDirectory() as name, cluster() as url:
        engines: dict[str, Make] = {
            "SQLite": partial(sites.sqlite, Path(name)),
            "PostgreSQL": partial(sites.postgresql, url),
        }
        tables = [side_by_side(make, engine) for engine, make in engines.items()]
        rates = {
            row[0].name: [variant.median(lambda block: block.rate) for variant in row]
            for row in zip(*tables, strict=True)
        }
        plots.bars("bench-views", "Requests per second, one worker", rates, list(engines))
        for grow in (groups, users):
            for engine, make in engines.items():
                grow(make, engine)


if __name__ == "__main__":
    main()
