"""Settings of the example site for `make demo`, which only this machine can reach.

All secrets are for the demo only. `settings_production.py` has the settings of a real site.
"""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).parent
DEMO_SECRET = "demo-only-jwt-shared-secret-not-for-production"
DEMO_EMBEDDING_SECRET = "demo-only-embedding-secret-key-not-for-production"

SECRET_KEY = "demo-only-django-secret-key-not-for-production"
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

METABASE_SSO = {
    "INSTANCE_URL": os.environ.get("METABASE_INSTANCE_URL", "http://localhost:3000"),
    "JWT_SHARED_SECRET": os.environ.get("METABASE_JWT_SHARED_SECRET", DEMO_SECRET),
    "AUTHENTICATE": "example_project.people.authentication.by_header",
    "ACCESS_POLICY": "example_project.people.metabase.may_use_metabase",
    "GROUP_MAPPING": "example_project.people.metabase.groups_for",
    "USER_ATTRIBUTES": "example_project.people.metabase.attributes_for",
    "TENANT": "example_project.people.metabase.tenant_for",
    "EMBEDDING_SECRET_KEY": os.environ.get("METABASE_EMBEDDING_SECRET_KEY", DEMO_EMBEDDING_SECRET),
    "GUEST_PARAMS": "example_project.people.metabase.guest_params",
    # The key of the stand-in, if `make demo` starts it: docs/operating.md.
    "API_KEY": os.environ.get("METABASE_API_KEY"),
    "END_ACCESS": ["logout", "deactivation"] if os.environ.get("METABASE_API_KEY") else [],
    # To try components with a Metabase without a paid plan: docs/templates.md.
    "DEVELOPMENT_API_KEY": os.environ.get("METABASE_DEVELOPMENT_API_KEY") if DEBUG else None,
    "ALLOWED_ORIGINS": os.environ.get("DEMO_ALLOWED_ORIGINS", "").replace(",", " ").split(),
}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "corsheaders",
    "hijack",
    "django_metabase_sso",
    "example_project.people",
    "example_project.pages",
    "example_project.audit",
]
MIDDLEWARE = [
    "django_metabase_sso.middleware.SSOCorsMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "hijack.middleware.HijackUserMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DEMO_DATABASE", HERE / "demo.sqlite3"),
    }
}

AUTH_USER_MODEL = "people.Person"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    # Lets the demo show how an inactive user is refused: their sessions stay valid.
    "django.contrib.auth.backends.AllowAllUsersModelBackend",
]
# The address of the settings page of the stand-in for Metabase, if `make demo` starts it.
DEMO_STANDIN_SETTINGS = os.environ.get("DEMO_STANDIN_SETTINGS", "")
HIJACK_INSERT_BEFORE = None  # its bar would also appear in pages that are shown in frames
HIJACK_PERMISSION_CHECK = "hijack.permissions.superusers_and_staff"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "start"
LOGOUT_REDIRECT_URL = "signed-out"
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
STATIC_URL = "/static/"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
