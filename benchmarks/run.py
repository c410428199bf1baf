"""`make bench`: our view beside a hand-written one, in the stacks that projects run.

Makes three runs and prints README's table of them: CPU time of the server's process for a request,
and the ratio of each run. BENCH_ROUNDS and BENCH_REQUESTS set the size of a run.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import sites
from load import Variant, measure
from postgres import cluster
from server import HERE, site_environment
from sites import Database, Site

RUNS, STARTS = 3, 6
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "36"))
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "50"))  # for each view and round
USERS = 1_000
OFF, INDEX, NONE = "off", "on, with the index", ""
SAME_WORK, WITH_UNIQUENESS, NO_DEARER, TOKEN = 1.05, 1.12, 1.0, 1.5


@dataclass
class Row:
    """A comparison: what stands in the table's second column, its bar, and two servers."""

    what: str
    bar: float | None
    reference: Variant
    variant: Variant


@dataclass
class Group:
    """Servers that run at the same time, and the rows that compare them."""

    name: str
    variants: list[Variant]
    rows: list[Row]


@contextmanager
def sync_group(name: str, base: Database, *, is_cross: bool) -> Iterator[Group]:
    """Run our view and the hand-written one under gunicorn.

    A second server of the hand-written one shows how much two servers of the same code differ.
    """
    with ExitStack() as stack:

        def started(site: Site) -> list[Variant]:
            """Return the variants of a server: a token, a 401 and, across origins, a preflight."""
            kinds = [site, sites.anonymous_of(site)]
            if is_cross:
                kinds.append(sites.preflight_of(site))
            port = stack.enter_context(site.running(base))
            return [Variant(one.name, one.at(port, base.people), REQUESTS) for one in kinds]

        chosen = (sites.HANDWRITTEN, sites.HANDWRITTEN, sites.OURS_OFF, sites.OURS_INDEX)
        hand, twin, off, index = (started(replace(site, is_cross=is_cross)) for site in chosen)
        rows = [
            Row(f"token, uniqueness {OFF}", SAME_WORK, hand[0], off[0]),
            Row(f"token, uniqueness {INDEX}", WITH_UNIQUENESS, hand[0], index[0]),
        ]
        for number, what in enumerate(["401", "preflight"][: len(hand) - 1], 1):
            rows.append(Row(what, NO_DEARER, hand[number], off[number]))
            rows.append(Row(f"{what}, hand-written again", None, hand[number], twin[number]))
        yield Group(name, [*hand, *twin[1:], *off, index[0]], rows)


@contextmanager
def async_group(name: str, base: Database) -> Iterator[Group]:
    """Run our view and two hand-written ones under uvicorn, across origins."""
    with ExitStack() as stack:
        chosen = (sites.HANDWRITTEN, sites.HANDWRITTEN_ASYNC, sites.OURS_OFF, sites.OURS_INDEX)
        hand, hand_async, off, index = (
            Variant(site.name, stack.enter_context(site.target(base)), REQUESTS)
            for site in (replace(site, is_cross=True, is_asgi=True) for site in chosen)
        )
        rows = [
            Row(f"token, uniqueness {OFF}", SAME_WORK, hand, off),
            Row(f"token, uniqueness {INDEX}", WITH_UNIQUENESS, hand, index),
            Row("hand-written, async", None, hand, hand_async),
        ]
        yield Group(name, [hand, hand_async, off, index], rows)


def token_and_encode() -> tuple[float, float, float]:
    """Return the microseconds of `issue_token` and of `jwt.encode` alone, and their ratio."""
    import jwt
    from django.conf import settings
    from django.contrib.auth.models import User

    from django_metabase_sso.tokens import issue_token

    settings.METABASE_SSO["GROUP_MAPPING"] = None  # they are in the database
    user = User(pk=1, email="ada@example.com", first_name="Ada", last_name="Lovelace")
    secret = settings.METABASE_SSO["JWT_SHARED_SECRET"]
    claims = jwt.decode(issue_token(user), secret, algorithms=["HS256"])
    pairs = []
    for _ in range(41):
        start = time.process_time()
        for _ in range(1_000):
            issue_token(user)
        middle = time.process_time()
        for _ in range(1_000):
            jwt.encode(claims, secret, algorithm="HS256")
        pairs.append((middle - start, time.process_time() - middle))
    ours, alone = (statistics.median(times) * 1e3 for times in zip(*pairs, strict=True))
    return ours, alone, statistics.median(own / its for own, its in pairs)


def report(group: str, runs: list[Row]) -> None:
    """Print a line of the table: a row, measured in all runs."""
    row = runs[0]
    times = [
        statistics.median(getattr(run, server).median(lambda block: block.cpu) for run in runs)
        for server in ("reference", "variant")
    ]
    cells = [f"{seconds * 1e3:.3f}" for seconds in times]
    rates = (run.variant.median(lambda block: block.rate) for run in runs)
    cells.append(f"{statistics.median(rates):.0f}")
    cells += [f"{run.variant.ratio(run.reference, lambda block: block.cpu):.3f}" for run in runs]
    cells.append("" if row.bar is None else f"{row.bar:.2f}")
    print(f"| {group} | {row.what} | {' | '.join(cells)} |", flush=True)


def measured_once(open_group: Callable[[], AbstractContextManager[Group]]) -> Group:
    """Start the servers of a group and measure them.

    All servers run on one core and the client on another, so that they do not change cores or
    take turns with the client. A process inherits the core of the one that starts it.
    """
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-1:])
    with open_group() as group:
        os.sched_setaffinity(0, cores[:1])
        measure(group.variants, ROUNDS // STARTS)
    os.sched_setaffinity(0, cores)
    return group


def measured(open_group: Callable[[], AbstractContextManager[Group]]) -> None:
    """Measure a group RUNS times, and print its rows.

    Two servers of the same code differ by several percent for as long as they run, so each run
    starts all of them STARTS times.
    """
    runs = []
    for _ in range(RUNS):
        run = measured_once(open_group)
        for _ in range(STARTS - 1):
            again = measured_once(open_group)
            for variant, same in zip(run.variants, again.variants, strict=True):
                variant.blocks += same.blocks
        runs.append(run)
    for rows in zip(*(run.rows for run in runs), strict=True):
        report(runs[0].name, list(rows))


def main() -> None:
    """Measure and print everything."""
    environment = site_environment({})
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, str(HERE))
    import django

    django.setup()
    print(f"{RUNS} runs, each of {ROUNDS} rounds of {REQUESTS} requests to each view\n")
    runs = " | ".join(f"run {number}" for number in range(1, RUNS + 1))
    columns = "hand-written, CPU ms | CPU ms | requests/s"
    print(f"| stack | answer | {columns} | {runs} | bar |")
    print(f"|---|---|---:|---:|---:|{'---:|' * RUNS}---:|")
    with tempfile.TemporaryDirectory() as folder, cluster() as url:
        makers = {
            "SQLite": partial(sites.sqlite, Path(folder)),
            "PostgreSQL": partial(sites.postgresql, url),
        }
        for engine, make in makers.items():
            with make("bench", USERS, unique=True) as base:
                cross = f"cross-origin, gunicorn, {engine}"
                same = f"same origin, gunicorn, {engine}"
                measured(partial(sync_group, cross, base, is_cross=True))
                measured(partial(sync_group, same, base, is_cross=False))
                measured(partial(async_group, f"cross-origin, uvicorn, {engine}", base))
    found = [token_and_encode() for _ in range(RUNS)]
    ours, alone, _ = found[-1]
    ratios = " | ".join(f"{ratio:.2f}" for *_, ratio in found)
    print(
        f"| no server, no database | `issue_token` by `jwt.encode` | {alone / 1e3:.4f}"
        f" | {ours / 1e3:.4f} | | {ratios} | {TOKEN:.2f} |"
    )


if __name__ == "__main__":
    main()
