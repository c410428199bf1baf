"""Run on the benchmark site: makes the tables and the users, and signs some in.

The arguments: how many users; `groups` where they have a growing number of groups.

Prints, as JSON, what each of those shows to be known: see `Person`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import sys
from importlib import import_module
from typing import Any, TypedDict

import django

# One statement, so that a million rows take seconds. The password is one that nobody has.
USERS = """
INSERT INTO auth_user (username, email, first_name, last_name, password, is_active, is_staff,
    is_superuser, date_joined)
SELECT 'user' || n, 'User' || n || '@example.com', 'Ada', 'Lovelace', '!unusable', {true}, {false},
    {false}, CURRENT_TIMESTAMP
FROM {series}
"""
SERIES = {
    "postgresql": "generate_series(1, {count}) AS n",
    "sqlite": "(WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < {count})"
    " SELECT n FROM t)",
}
EXPRESS = "CREATE TABLE express_sessions (sid TEXT PRIMARY KEY, sess TEXT NOT NULL)"
SIGNED_IN = 500  # more than the package's cache of checked addresses holds
USUAL_GROUPS = (3,)
GROUP_SIZES = (0, 10, 100, 1_000)


class Person(TypedDict):
    """A user who is signed in: the cookies of Django and Express, and SimpleJWT's credentials."""

    email: str
    groups: int
    django: str
    express: str
    username: str
    refresh: str


def make_users(count: int) -> None:
    """Insert `count` users."""
    from django.db import connection

    series = SERIES[connection.vendor].format(count=count)
    with connection.cursor() as cursor:
        cursor.execute(USERS.format(series=series, true="true", false="false"))
        cursor.execute(EXPRESS)


def sign_in(count: int, *, growing: bool) -> list[Person]:
    """Sign `count` users in, with three groups each, or with one of GROUP_SIZES in turn."""
    from django.contrib.auth.models import Group, User

    sizes = GROUP_SIZES if growing else USUAL_GROUPS
    names = [f"Group {number:04}" for number in range(max(sizes))]
    groups = Group.objects.bulk_create([Group(name=name) for name in names])
    ids = random.Random(1).sample(list(User.objects.values_list("pk", flat=True)), count)
    people = []
    for number, user in enumerate(User.objects.filter(pk__in=ids)):
        size = sizes[number % len(sizes)]
        user.groups.set(groups[:size])
        people.append(
            Person(
                email=user.email,
                groups=size,
                django=f"sessionid={django_session(user)}",
                express=f"connect.sid={express_session(user)}",
                username=user.username,
                refresh=refresh_token(user),
            )
        )
    return people


def django_session(user: Any) -> str:
    """Make a session, as Django's `login` does; return its key."""
    from django.conf import settings
    from django.contrib import auth

    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[auth.SESSION_KEY] = str(user.pk)
    session[auth.BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def express_session(user: Any) -> str:
    """Make a session as express-session does; return the cookie's value, which is signed."""
    from django.conf import settings
    from django.db import connection

    sid = hashlib.sha256(f"session {user.pk}".encode()).hexdigest()[:32]
    content = json.dumps({"cookie": {"originalMaxAge": None, "httpOnly": True}, "user": user.pk})
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO express_sessions VALUES (%s, %s)", [sid, content])
    digest = hmac.digest(settings.SECRET_KEY.encode(), sid.encode(), "sha256")
    signature = base64.b64encode(digest).decode().rstrip("=")
    return f"s%3A{sid}.{signature}".replace("+", "%2B").replace("/", "%2F")


def refresh_token(user: Any) -> str:
    """Return a refresh token, as SimpleJWT's own view does."""
    from bench_site.rest import WithClaims

    return str(WithClaims.get_token(user))


def main() -> None:
    """Make everything, in a database that is still empty."""
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import transaction

    call_command("migrate", verbosity=0)
    if User.objects.exists():
        raise SystemExit("This database has users. Benchmarks make their own.")
    with transaction.atomic():
        make_users(int(sys.argv[1]))
        people = sign_in(SIGNED_IN, growing="groups" in sys.argv[2:])
    json.dump(people, sys.stdout)


if __name__ == "__main__":
    main()
