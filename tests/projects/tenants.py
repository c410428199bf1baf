"""A project of django-tenants, in a process of its own: run as a script with a database's URL.

It prints what two tenants get: one whose URLconf has our URLs, and the public one, which has not.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

MODELS = """
from django.db import models
from django_tenants.models import DomainMixin, TenantMixin

class Customer(TenantMixin):
    auto_create_schema = True

class Domain(DomainMixin):
    pass
"""
APP = "https://app.example.com"


def configure(where: Any, name: str, *, above: bool) -> None:
    """Configure Django for the project; `above`: the tenant's middleware stands above ours."""
    from django.conf import settings

    ours = [
        "django_metabase_sso.middleware.SSOCorsMiddleware",
        "corsheaders.middleware.CorsMiddleware",
    ]
    tenants = ["django_tenants.middleware.main.TenantMainMiddleware"]
    apps = ["django_tenants", "customers", "django.contrib.contenttypes"]
    users = ["django.contrib.auth", "django.contrib.sessions"]
    settings.configure(
        SECRET_KEY="tests-only",
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={
            "default": {
                "ENGINE": "django_tenants.postgresql_backend",
                "NAME": name,
                "HOST": where.hostname,
                "PORT": str(where.port or ""),
                "USER": where.username or "",
                "PASSWORD": where.password or "",
            }
        },
        DATABASE_ROUTERS=["django_tenants.routers.TenantSyncRouter"],
        SHARED_APPS=[*apps, *users],
        TENANT_APPS=["django.contrib.contenttypes", *users],
        INSTALLED_APPS=[*apps, *users, "corsheaders", "django_metabase_sso"],
        TENANT_MODEL="customers.Customer",
        TENANT_DOMAIN_MODEL="customers.Domain",
        ROOT_URLCONF="tenant_urls",
        PUBLIC_SCHEMA_URLCONF="public_urls",
        MIDDLEWARE=[
            *(tenants + ours if above else ours + tenants),
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        METABASE_SSO={
            "INSTANCE_URL": "https://metabase.example.com",
            "JWT_SHARED_SECRET": "tests-only-jwt-shared-secret-0123456789abcdef",
            "ALLOWED_ORIGINS": [APP],
        },
    )


def write_modules(folder: Path) -> None:
    """Write the app of the customers, and put the two URLconfs where Django imports them."""
    (folder / "customers" / "migrations").mkdir(parents=True)
    for package in ("customers", "customers/migrations"):
        (folder / package / "__init__.py").touch()
    (folder / "customers" / "models.py").write_text(MODELS)
    sys.path.insert(0, str(folder))


def main(url: str, name: str, folder: str, above: str) -> None:
    """Make two tenants and print their answers, one in a line."""
    configure(urlsplit(url), name, above=above == "above")
    write_modules(Path(folder))
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.checks import run_checks
    from django.core.management import call_command
    from django.test import Client
    from django.urls import include, path
    from django_tenants.utils import schema_context

    for module, patterns in {
        "tenant_urls": [path("sso/", include("django_metabase_sso.urls"))],
        "public_urls": [],
    }.items():
        sys.modules[module] = ModuleType(module)
        vars(sys.modules[module])["urlpatterns"] = patterns
    call_command("makemigrations", "customers", verbosity=0)
    call_command("migrate_schemas", schema_name="public", verbosity=0)
    from customers.models import Customer, Domain  # type: ignore[import-not-found]

    for schema, domain in (("public", "public.example.com"), ("acme", "acme.example.com")):
        customer = Customer(schema_name=schema)
        customer.save(verbosity=0)
        Domain.objects.create(domain=domain, tenant=customer, is_primary=True)
    client = Client()
    with schema_context("acme"):
        ada = get_user_model().objects.create_user("ada", "ada@example.com")
        client.force_login(ada)
    for host in ("acme.example.com", "public.example.com"):
        headers = {"Host": host, "Origin": APP}
        answer = client.get("/sso/metabase?response=json", headers=headers)
        asked = {**headers, "Access-Control-Request-Method": "GET"}
        preflight = client.options("/sso/metabase", headers=asked)
        print(  # noqa: T201
            host,
            answer.status_code,
            answer.get("Access-Control-Allow-Credentials"),
            preflight.get("Access-Control-Allow-Credentials"),
        )
    print([message.id for message in run_checks() if message.id == "metabase_sso.W014"])  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
