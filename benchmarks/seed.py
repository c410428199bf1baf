"""Run on the benchmark site: makes users and signs some in. Prints their session cookies."""

from __future__ import annotations

import random
import sys
from importlib import import_module

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
SIGNED_IN = 50


def make_users(count: int) -> None:
    """Insert `count` users."""
    from django.db import connection

    series = SERIES[connection.vendor].format(count=count)
    with connection.cursor() as cursor:
        cursor.execute(USERS.format(series=series, true="true", false="false"))


def sign_in(count: int) -> list[str]:
    """Make a session for each of `count` users, as Django's `login` does; return their keys."""
    from django.conf import settings
    from django.contrib import auth
    from django.contrib.auth.models import User

    engine = import_module(settings.SESSION_ENGINE)
    ids = list(User.objects.values_list("pk", flat=True))
    chosen = random.Random(1).sample(ids, count)
    keys = []
    for user in User.objects.filter(pk__in=chosen):
        session = engine.SessionStore()
        session[auth.SESSION_KEY] = str(user.pk)
        session[auth.BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        session.save()
        keys.append(session.session_key)
    return keys


if __name__ == "__main__":
    django.setup()
    make_users(int(sys.argv[1]))
    print("\n".join(sign_in(SIGNED_IN)))
