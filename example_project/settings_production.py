"""Settings of the same site in production, for which `check --deploy` does not report anything."""

from __future__ import annotations

import os

from example_project.settings import *  # noqa: F403
from example_project.settings import METABASE_SSO

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["www.example.com"]
STATIC_ROOT = os.environ["DJANGO_STATIC_ROOT"]

METABASE_SSO = {
    **METABASE_SSO,
    "INSTANCE_URL": "https://metabase.example.com",
    "JWT_SHARED_SECRET": os.environ["METABASE_JWT_SHARED_SECRET"],
    "EMBEDDING_SECRET_KEY": os.environ["METABASE_EMBEDDING_SECRET_KEY"],
    "ALLOWED_ORIGINS": ["https://app.example.com"],
}

SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
