from __future__ import annotations

from typing import Any

SECRET_KEY = "tests-only-django-secret-key"
EMBEDDING_SECRET = "tests-only-embedding-secret-key-0123456789"
SECRET = "tests-only-jwt-shared-secret-0123456789abcdef"

METABASE_SSO: dict[str, Any] = {
    "INSTANCE_URL": "https://metabase.example.com",
    "JWT_SHARED_SECRET": SECRET,
}

ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "tests.urls"
STATIC_URL = "/static/"
USE_TZ = True
LOGIN_URL = "login"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}

FIELD_ENCRYPTION_KEY = "dGVzdHMtb25seS1lbmNyeXB0aW9uLWtleS0wMTIzNDU="  # read once
SALT_KEY = "tests-only-salt"
SIMPLE_JWT = {"SIGNING_KEY": "tests-only-simplejwt-key-0123456789abcdef"}  # read once
REST_AUTH = {"USE_JWT": True, "JWT_AUTH_COOKIE": "jwt"}  # read once

MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}  # 6.1

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "corsheaders",
    "hijack",
    "impersonate",
    "rest_framework.authtoken",  # has a table only where it is installed from the start
    "django_metabase_sso",
    "django_metabase_sso.client",
    "tests.accounts",
    "tests.staff",
]
MIDDLEWARE = [
    "django_metabase_sso.middleware.SSOCorsMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
LOGIN_PAGE = """<!DOCTYPE html><title>Sign in</title>
<form method="post">{% csrf_token %}{{ form }}<button>Sign in</button></form>"""
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "loaders": [
                ("django.template.loaders.locmem.Loader", {"login.html": LOGIN_PAGE}),
                "django.template.loaders.app_directories.Loader",
            ],
        },
    }
]
TEMPLATES[0].pop("APP_DIRS")
