"""Settings of the stand-in: no database, no accounts of Django's, everything from the environment.

    DJANGO_SETTINGS_MODULE=example_project.standin.settings \\
        python manage.py runserver 127.0.0.1:3000 --noreload

Never with more than one process: what the stand-in knows is in its memory.
"""

from __future__ import annotations

import os
from pathlib import Path

# What a Metabase administrator types into Metabase, here from the environment.
STANDIN_SITE_URL = os.environ.get("STANDIN_SITE_URL", "http://localhost:3000")
STANDIN_JWT_SHARED_SECRET = os.environ.get(
    "STANDIN_JWT_SHARED_SECRET", "demo-only-jwt-shared-secret-not-for-production"
)
STANDIN_EMBEDDING_SECRET_KEY = os.environ.get(
    "STANDIN_EMBEDDING_SECRET_KEY", "demo-only-embedding-secret-key-not-for-production"
)
STANDIN_JWT_IDENTITY_PROVIDER_URI = os.environ.get(
    "STANDIN_JWT_IDENTITY_PROVIDER_URI", "http://localhost:8000/sso/metabase"
)
# The origins that may call it with CORS and show it in a frame, split by commas or spaces.
STANDIN_EMBEDDING_ORIGINS = (
    os.environ.get("STANDIN_EMBEDDING_ORIGINS", "http://localhost:8000").replace(",", " ").split()
)
STANDIN_VERSION_TAG = os.environ.get("STANDIN_VERSION_TAG", "v1.56.3")

# Nothing is signed with it: no sessions, messages or CSRF tokens of Django's.
SECRET_KEY = "stand-in-only-signs-nothing"
# A debug page would show the token of a request.
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
APPEND_SLASH = False
ROOT_URLCONF = "example_project.standin.urls"
WSGI_APPLICATION = None
INSTALLED_APPS: list[str] = []
MIDDLEWARE = [
    "example_project.standin.cors.CorsMiddleware",
    # Looks at the host, so that no foreign name may stand for 127.0.0.1 (DNS rebinding).
    "django.middleware.common.CommonMiddleware",
    "example_project.standin.state.OneRequestAtATime",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
    },
]
DATABASES: dict[str, dict[str, str]] = {}
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"hide_tokens": {"()": "example_project.standin.logs.HideTokens"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["hide_tokens"]}},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
}
