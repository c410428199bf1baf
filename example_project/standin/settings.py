"""Django settings of the stand-in, which has no database and is configured by the environment.

    DJANGO_SETTINGS_MODULE=example_project.standin.settings \\
        python manage.py runserver 127.0.0.1:3000 --noreload

Run only one process, because the stand-in keeps its state in memory. Without environment
variables, it is like Metabase after its installation: JWT, group sync and embedding are off.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

# Metabase's settings as an administrator would have set them: JSON with Metabase's keys.
STANDIN_SETTINGS = json.loads(os.environ.get("STANDIN_SETTINGS", "{}"))
# Environment variables that Metabase itself reads, such as MB_JWT_ENABLED.
STANDIN_ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name.startswith("MB_") or name == "MAX_SESSION_AGE"
}
STANDIN_VERSION = int(os.environ.get("STANDIN_VERSION", "65"))
STANDIN_API_KEYS = {
    os.environ.get(
        "STANDIN_API_KEY", "mb_demo-only-api-key-not-for-production="
    ): "Administrators",
    "mb_demo-only-api-key-of-another-group=": "All Users",
}

# Nothing is signed with this key: the stand-in does not use Django's sessions, messages or CSRF.
SECRET_KEY = "stand-in-only-signs-nothing"
# A debug page would show the token in a request.
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
APPEND_SLASH = False
ROOT_URLCONF = "example_project.standin.urls"
WSGI_APPLICATION = None
INSTALLED_APPS: list[str] = []
MIDDLEWARE = [
    "example_project.standin.cors.CorsMiddleware",
    # Checks the host, so that no other name can point to 127.0.0.1 (DNS rebinding).
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
