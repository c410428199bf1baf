"""What REQUIRE_UNIQUE_EMAIL costs with MariaDB, which has no index on an expression.

Run it with a MariaDB in BENCH_MARIADB_URL (default mysql://root@127.0.0.1:3306), which gets a
database of its own. Prints README's table.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from urllib.parse import urlsplit

import pymysql
from server import manage

URL = os.environ.get("BENCH_MARIADB_URL", "mysql://root@127.0.0.1:3306")
NAME = "bench_email"
SIZES = (1_000, 100_000)
ASKED = 100
USERS = """
INSERT INTO auth_user (username, email, first_name, last_name, password, is_active, is_staff,
    is_superuser, date_joined)
SELECT CONCAT('user', seq), CONCAT('User', seq, '@example.com'), 'Ada', 'Lovelace', '!', 1, 0, 0,
    NOW()
FROM seq_1_to_{count}
"""
LOWERED = "email_lower varchar(254) AS (LOWER(email)) VIRTUAL"
# How the table is changed, and which user model stands on it.
WAYS = {
    "Django's own user model": ("", {}),
    "an index on the address itself": ("ADD INDEX plain (email)", {}),
    "a generated column with an index": (
        f"DROP INDEX plain, ADD COLUMN {LOWERED}, ADD INDEX lowered (email_lower)",
        {"BENCH_SITE_OWN_USER": "generated"},
    ),
}


def connect(database: str | None = None) -> pymysql.Connection[pymysql.cursors.Cursor]:
    """Return a connection to the server."""
    where = urlsplit(URL)
    return pymysql.connect(
        host=where.hostname,
        port=where.port or 3306,
        user=where.username,
        password=where.password or "",
        database=database,
        autocommit=True,
    )


def site() -> dict[str, str]:
    """Return the environment of the site on the database."""
    return {"BENCH_SITE_MARIADB": f"{URL}/{NAME}"}


def ask() -> None:
    """Run on the site: print the median of the milliseconds that the question takes."""
    import django

    django.setup()
    from django.contrib.auth import get_user_model

    from django_metabase_sso.identity.uniqueness import other_users

    users = list(get_user_model().objects.order_by("pk"))
    taken = []
    for user in random.Random(1).choices(users, k=ASKED):
        start = time.perf_counter()
        assert other_users(user, user.email.lower()) == []
        taken.append(time.perf_counter() - start)
    print(statistics.median(taken) * 1e3)


def measured() -> dict[str, list[float]]:
    """Return the milliseconds of each way, for each size of the table."""
    found: dict[str, list[float]] = {}
    for size in SIZES:
        with connect() as server, server.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4")
        try:
            manage(["django", "migrate", "--verbosity=0"], site())
            with connect(NAME) as server, server.cursor() as cursor:
                cursor.execute(USERS.format(count=size))
                for way, (change, extra) in WAYS.items():
                    if change:
                        cursor.execute(f"ALTER TABLE auth_user {change}")
                    cursor.execute("ANALYZE TABLE auth_user")
                    cursor.fetchall()
                    answer = manage(["mariadb", "ask"], {**site(), **extra})
                    found.setdefault(way, []).append(float(answer))
        finally:
            with connect() as server, server.cursor() as cursor:
                cursor.execute(f"DROP DATABASE {NAME}")
    return found


def main() -> None:
    """Print the table, or the answer of one site."""
    if sys.argv[1:] == ["ask"]:
        ask()
        return
    print(f"| milliseconds for a token | {' | '.join(f'{size:,} users' for size in SIZES)} |")
    print(f"|---|{'---:|' * len(SIZES)}")
    for way, row in measured().items():
        print(f"| {way} | {' | '.join(f'{ms:.2f}' for ms in row)} |")


if __name__ == "__main__":
    main()
