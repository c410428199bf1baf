"""Settings of the benchmark site; the environment names the database and what is switched on.

The middleware is only what signing in needs, and connections persist: whatever all variants do
alike would hide what they do differently.
"""

from __future__ import annotations

import os
from typing import Any

from django_metabase_sso.access import trust_emails

SECRET_KEY = "benchmark-only-django-secret-key"
JWT_SHARED_SECRET = "benchmark-only-jwt-shared-secret-0123456789abcdef"

METABASE_SSO = {
    "INSTANCE_URL": "https://metabase.example.com",
    "JWT_SHARED_SECRET": JWT_SHARED_SECRET,
    "EMBEDDING_SECRET_KEY": "benchmark-only-embedding-secret-key-0123456789",
    "ACCESS_POLICY": trust_emails,
    "REQUIRE_UNIQUE_EMAIL": os.environ.get("BENCH_UNIQUE_EMAIL") == "1",
}

# Off on purpose, to compare equal work.
SILENCED_SYSTEM_CHECKS = ["metabase_sso.W011"]
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
ROOT_URLCONF = "bench_site.urls"
USE_TZ = True
STATIC_URL = "/static/"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django_metabase_sso",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]


def _database() -> dict[str, Any]:
    """Return the database of BENCH_DATABASE_URL, or the SQLite file of BENCH_SQLITE_FILE."""
    url = os.environ.get("BENCH_DATABASE_URL")
    if not url:
        name = os.environ.get("BENCH_SQLITE_FILE", ":memory:")
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
    from psycopg.conninfo import conninfo_to_dict

    options: dict[str, Any] = conninfo_to_dict(url)
    name = options.pop("dbname")
    return {"ENGINE": "django.db.backends.postgresql", "NAME": name, "OPTIONS": options}


DATABASES = {"default": {**_database(), "CONN_MAX_AGE": None}}
