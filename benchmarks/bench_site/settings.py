"""Settings of the benchmark site: those of `startproject`, whose middleware is all there.

The environment names the database, the view and what is switched on. With BENCH_SITE_CROSS=1 a
front end on ORIGIN may read the answers: by the two middlewares of README's set-up for the
package's view, by django-cors-headers with credentials for the others. Connections persist, since
to open one for each request would hide what the views do differently.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from django_metabase_sso.policies import trust_emails

VARIANT = os.environ.get("BENCH_SITE_VARIANT", "ours")
CROSS = os.environ.get("BENCH_SITE_CROSS") == "1"
OURS = VARIANT == "ours"
ORIGIN = "https://app.example.com"

SECRET_KEY = "benchmark-only-django-secret-key"
JWT_SHARED_SECRET = "benchmark-only-jwt-shared-secret-0123456789abcdef"

METABASE_SSO = {
    "INSTANCE_URL": "https://metabase.example.com",
    "JWT_SHARED_SECRET": JWT_SHARED_SECRET,
    "EMBEDDING_SECRET_KEY": "benchmark-only-embedding-secret-key-0123456789",
    "ACCESS_POLICY": trust_emails,
    "REQUIRE_UNIQUE_EMAIL": os.environ.get("BENCH_SITE_UNIQUE_EMAIL") == "1",
    "GROUP_MAPPING": "django_metabase_sso.claims.django_groups",
    "ALLOWED_ORIGINS": [ORIGIN] if CROSS else [],
}
SIMPLE_JWT = {
    "SIGNING_KEY": JWT_SHARED_SECRET,
    "TOKEN_OBTAIN_SERIALIZER": "bench_site.rest.WithClaims",
}
if CROSS and not OURS:
    CORS_ALLOWED_ORIGINS = [ORIGIN]
    CORS_ALLOW_CREDENTIALS = True

# Off on purpose, to compare equal work.
SILENCED_SYSTEM_CHECKS = ["metabase_sso.W011"]
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
ROOT_URLCONF = "bench_site.urls"
USE_TZ = True
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    *(["corsheaders"] if CROSS else []),
    *(["django_metabase_sso"] if OURS else []),
    *(["rest_framework"] if VARIANT in ("rest", "simplejwt") else []),
]
MIDDLEWARE = [
    *(["django_metabase_sso.middleware.SSOCorsMiddleware"] if CROSS and OURS else []),
    *(["corsheaders.middleware.CorsMiddleware"] if CROSS else []),
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
PROCESSORS = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": PROCESSORS},
    }
]
OWN_USER = os.environ.get("BENCH_SITE_OWN_USER")
if OWN_USER:
    INSTALLED_APPS.append("bench_site.people")
    AUTH_USER_MODEL = "people.User"


def _database() -> dict[str, Any]:
    """Return the database of one of three variables: two URLs, or a SQLite file."""
    mariadb = os.environ.get("BENCH_SITE_MARIADB")
    if mariadb:
        import pymysql

        pymysql.install_as_MySQLdb()
        where = urlsplit(mariadb)
        names = {"HOST": where.hostname, "PORT": str(where.port or 3306), "NAME": where.path[1:]}
        person = {"USER": where.username, "PASSWORD": where.password or ""}
        return {"ENGINE": "django.db.backends.mysql", **names, **person}
    url = os.environ.get("BENCH_SITE_DATABASE_URL")
    if not url:
        name = os.environ.get("BENCH_SITE_SQLITE", ":memory:")
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name}
    from psycopg.conninfo import conninfo_to_dict

    options: dict[str, Any] = conninfo_to_dict(url)
    name = options.pop("dbname")
    return {"ENGINE": "django.db.backends.postgresql", "NAME": name, "OPTIONS": options}


# Under ASGI each request has a thread of its own, whose connection would never be closed.
CONN_MAX_AGE = 0 if os.environ.get("BENCH_SITE_ASGI") == "1" else None
DATABASES = {"default": {**_database(), "CONN_MAX_AGE": CONN_MAX_AGE}}
