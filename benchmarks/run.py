"""`make bench`: our view beside the shortest hand-written one, in one run, in alternation."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import timeit
from contextlib import ExitStack
from pathlib import Path

import pages
from load import Target, Variant, get, measure
from server import HERE, manage, running, site_environment

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "40"))
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "100"))  # for each variant and round
USERS = 1_000
OURS = "our view, REQUIRE_UNIQUE_EMAIL off"
UNIQUE = "our view, REQUIRE_UNIQUE_EMAIL on"
HANDWRITTEN = "the shortest hand-written view"
BARE = "a view that only reads request.user"
PATHS = {
    OURS: "/sso/metabase?response=json",
    HANDWRITTEN: "/handwritten/metabase?response=json",
    BARE: "/bare/metabase?response=json",
    UNIQUE: "/sso/metabase?response=json",
}


def views(folder: Path) -> list[Variant]:
    """Measure the views under gunicorn, on a SQLite file."""
    database = {"BENCH_SITE_SQLITE": str(folder / "bench.sqlite3")}
    people = json.loads(manage(["seed", str(USERS)], database))
    with ExitStack() as stack:
        port = stack.enter_context(running(database))
        unique_port = stack.enter_context(running({**database, "BENCH_SITE_UNIQUE_EMAIL": "1"}))
        variants = []
        for name, path in PATHS.items():
            requests = [get(path, person["django"]) for person in people]
            expected = b'{"signed_in": true}' if name == BARE else b'{"jwt": "ey'
            target = Target(unique_port if name == UNIQUE else port, requests, expected)
            variants.append(Variant(name, target, REQUESTS))
        measure(variants, ROUNDS)
    return variants


def queries() -> dict[str, int]:
    """Return how many queries a signed-in request makes, for each variant."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    call_command("migrate", verbosity=0)
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.create_user("ada", "ada@example.com"))
    counted = {}
    for name, path in PATHS.items():
        settings.METABASE_SSO["REQUIRE_UNIQUE_EMAIL"] = name == UNIQUE
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        counted[name] = len(captured)
    settings.METABASE_SSO["REQUIRE_UNIQUE_EMAIL"] = False
    return counted


def in_process() -> tuple[float, float, float]:
    """Return the microseconds of `issue_token` and of `jwt.encode` alone, and their ratio."""
    import jwt
    from django.conf import settings
    from django.contrib.auth.models import User

    from django_metabase_sso.tokens import issue_token

    user = User(pk=1, email="ada@example.com", first_name="Ada", last_name="Lovelace")
    secret = settings.METABASE_SSO["JWT_SHARED_SECRET"]
    claims = jwt.decode(issue_token(user), secret, algorithms=["HS256"])

    def encode() -> None:
        jwt.encode(claims, secret, algorithm="HS256")

    number = 2_000
    pairs = [
        (
            timeit.timeit(lambda: issue_token(user), number=number),
            timeit.timeit(encode, number=number),
        )
        for _ in range(21)
    ]
    ours, alone = (statistics.median(times) / number * 1e6 for times in zip(*pairs, strict=True))
    return ours, alone, statistics.median(own / its for own, its in pairs)


def report(variants: list[Variant], counted: dict[str, int]) -> None:
    """Print the table of the views, and how ours stands to the hand-written one."""
    print("| view | requests/s | p50 ms | p99 ms | server CPU ms | queries |")
    print("|---|---:|---:|---:|---:|---:|")
    for variant in variants:
        print(
            f"| {variant.name} | {variant.median(lambda block: block.rate):.0f}"
            f" | {variant.percentile(50):.2f} | {variant.percentile(99):.2f}"
            f" | {variant.median(lambda block: block.cpu) * 1_000:.3f} | {counted[variant.name]} |"
        )
    ours, handwritten = variants[:2]
    rate = ours.ratio(handwritten, lambda block: block.rate)
    cpu = handwritten.ratio(ours, lambda block: block.cpu)
    print(f"\nOurs by the hand-written view, requests per second: {rate:.3f} (bar: 0.95)")
    print(f"Hand-written by ours, server CPU time per request:  {cpu:.3f} (bar: 0.95)")


def main() -> None:
    """Measure and print everything."""
    sys.path.insert(0, str(HERE))
    environment = site_environment({})
    os.environ.clear()
    os.environ.update(environment)
    import django

    django.setup()
    with tempfile.TemporaryDirectory() as folder:
        print(
            f"{ROUNDS} rounds of {REQUESTS} requests to each view, gunicorn, SQLite, {USERS} users"
        )
        report(views(Path(folder)), queries())
    ours, alone, ratio = in_process()
    print(
        f"\nissue_token: {ours:.1f} µs, jwt.encode alone: {alone:.1f} µs; {ratio:.2f} (bar: 2.0)"
    )
    print("\n| page | with the tags, µs | plain HTML, µs | the tags' cost, µs |")
    print("|---|---:|---:|---:|")
    for row in pages.rows():
        print(f"| {row.name} | {row.tags:.0f} | {row.plain:.0f} | {row.cost:.0f} |")


if __name__ == "__main__":
    main()
