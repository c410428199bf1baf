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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import sites
from load import Variant, measure
from postgres import cluster
from server import HERE, site_environment
from sites import Database, Site

RUNS = 3
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "18"))
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "50"))  # for each view and round
USERS = 1_000
OFF, INDEX, NONE = "off", "on, with the index", ""
SAME_WORK, WITH_UNIQUENESS, NO_DEARER, TOKEN = 1.05, 1.12, 1.0, 1.5


@dataclass
class Row:
    """A line of the table: what stands in its first columns, its bar, and what was found."""

    what: str
    bar: float | None
    reference: Variant
    variant: Variant
    ratios: list[float] = field(default_factory=list)


@dataclass
class Group:
    """Servers that run at the same time, and the rows that compare them."""

    name: str
    variants: list[Variant]
    rows: list[Row]

    def run(self) -> None:
        """Measure once, and note the ratios."""
        for variant in self.variants:
            variant.blocks.clear()
        measure(self.variants, ROUNDS)
        for row in self.rows:
            row.ratios.append(row.variant.ratio(row.reference, lambda block: block.cpu))


@contextmanager
def sync_group(name: str, base: Database, *, is_cross: bool) -> Iterator[Group]:
    """Run our view and the hand-written one under gunicorn."""
    with ExitStack() as stack:

        def started(site: Site) -> list[Variant]:
            """Return the variants of a server: a token, a 401 and, across origins, a preflight."""
            kinds = [site, sites.anonymous_of(site)]
            if is_cross:
                kinds.append(sites.preflight_of(site))
            port = stack.enter_context(site.running(base))
            return [Variant(one.name, one.at(port, base.people), REQUESTS) for one in kinds]

        chosen = (sites.HANDWRITTEN, sites.OURS_OFF, sites.OURS_INDEX)
        hand, off, index = (started(replace(site, is_cross=is_cross)) for site in chosen)
        rows = [
            Row(f"token, uniqueness {OFF}", SAME_WORK, hand[0], off[0]),
            Row(f"token, uniqueness {INDEX}", WITH_UNIQUENESS, hand[0], index[0]),
        ]
        for number, what in enumerate(["401", "preflight"][: len(hand) - 1], 1):
            rows.append(Row(what, NO_DEARER, hand[number], off[number]))
        yield Group(name, [*hand, *off, index[0]], rows)


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


def report(group: Group) -> None:
    """Print the lines of a group."""
    for row in group.rows:
        compared = (row.reference, row.variant)
        cells = [f"{one.median(lambda block: block.cpu) * 1e3:.3f}" for one in compared]
        cells.append(f"{row.variant.median(lambda block: block.rate):.0f}")
        cells += [f"{ratio:.3f}" for ratio in row.ratios]
        cells.append("" if row.bar is None else f"{row.bar:.2f}")
        print(f"| {group.name} | {row.what} | {' | '.join(cells)} |", flush=True)


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
                for opened in (
                    sync_group(f"cross-origin, gunicorn, {engine}", base, is_cross=True),
                    sync_group(f"same origin, gunicorn, {engine}", base, is_cross=False),
                    async_group(f"cross-origin, uvicorn, {engine}", base),
                ):
                    with opened as group:
                        for _ in range(RUNS):
                            group.run()
                        report(group)
    found = [token_and_encode() for _ in range(RUNS)]
    ours, alone, _ = found[-1]
    ratios = " | ".join(f"{ratio:.2f}" for *_, ratio in found)
    print(
        f"| no server, no database | `issue_token` by `jwt.encode` | {alone / 1e3:.4f}"
        f" | {ours / 1e3:.4f} | | {ratios} | {TOKEN:.2f} |"
    )


if __name__ == "__main__":
    main()
