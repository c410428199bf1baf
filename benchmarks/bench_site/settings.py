"""Settings of the benchmark site; the environment names the database and what is switched on.

The middleware is only what signing in needs, and connections persist: whatever all variants do
alike would hide what they do differently.
"""

from __future__ import annotations

import os
from typing import Any

from django_metabase_sso.policies import trust_emails

# Which views there are: all that a table compares under one server, or one variant alone.
VARIANT = os.environ.get("BENCH_SITE_VARIANT", "all")
GROUPS = os.environ.get("BENCH_SITE_GROUPS") == "1"  # the tokens hold the user's groups

SECRET_KEY = "benchmark-only-django-secret-key"
JWT_SHARED_SECRET = "benchmark-only-jwt-shared-secret-0123456789abcdef"

METABASE_SSO = {
    "INSTANCE_URL": "https://metabase.example.com",
    "JWT_SHARED_SECRET": JWT_SHARED_SECRET,
    "EMBEDDING_SECRET_KEY": "benchmark-only-embedding-secret-key-0123456789",
    "ACCESS_POLICY": trust_emails,
    "REQUIRE_UNIQUE_EMAIL": os.environ.get("BENCH_SITE_UNIQUE_EMAIL") == "1",
    "GROUP_MAPPING": "django_metabase_sso.claims.django_groups" if GROUPS else None,
}
SIMPLE_JWT = {
    "SIGNING_KEY": JWT_SHARED_SECRET,
    "TOKEN_OBTAIN_SERIALIZER": "bench_site.rest.WithClaims",
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
    *(["django_metabase_sso"] if VARIANT in ("all", "ours") else []),
    *(["rest_framework"] if VARIANT in ("rest", "simplejwt") else []),
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
if os.environ.get("BENCH_SITE_OWN_USER") == "1":  # a unique constraint on the address
    INSTALLED_APPS.append("bench_site.people")
    AUTH_USER_MODEL = "people.User"


def _database() -> dict[str, Any]:
    """Return the database of BENCH_SITE_DATABASE_URL, or the SQLite file of BENCH_SITE_SQLITE."""
    url = os.environ.get("BENCH_SITE_DATABASE_URL")
    if not url:
        name = os.environ.get("BENCH_SITE_SQLITE", ":memory:")
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
    from psycopg.conninfo import conninfo_to_dict

    options: dict[str, Any] = conninfo_to_dict(url)
    name = options.pop("dbname")
    return {"ENGINE": "django.db.backends.postgresql", "NAME": name, "OPTIONS": options}


DATABASES = {"default": {**_database(), "CONN_MAX_AGE": None}}
