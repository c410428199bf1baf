"""The extras stay extras: the core works where none of them is installed."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import django_metabase_sso

EXTRAS = (
    "allauth",
    "django_otp",
    "httpx",
    "ninja",
    "pytest",
    "rest_framework",
    "rest_framework_simplejwt",
)
# What may import an extra, at last when it is used.
OUTSIDE = ("accounts", "administration", "client", "contrib", "management", "test")
SOURCE = """
import sys
for name in {extras}:
    sys.modules[name] = None
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_metabase_sso"],
    METABASE_SSO={{"INSTANCE_URL": "https://metabase.example.com", "JWT_SHARED_SECRET": "x" * 40}},
    ROOT_URLCONF="django_metabase_sso.urls",
)
django.setup()
import importlib
for name in {modules}:
    importlib.import_module(name)
print(sorted(name for name in sys.modules if name.startswith({outside})))
for name in ("allauth", "ninja", "rest_framework"):
    importlib.import_module(f"django_metabase_sso.contrib.{{name}}")
importlib.import_module("django_metabase_sso.test")
from django.core.checks import run_checks
print([message.id for message in run_checks() if message.id == "metabase_sso.E015"])
"""


def modules() -> list[str]:
    """Return the names of the core's modules."""
    found = pkgutil.walk_packages(django_metabase_sso.__path__, "django_metabase_sso.")
    return [entry.name for entry in found if entry.name.split(".")[1] not in OUTSIDE]


def test_the_core_imports_no_extra() -> None:
    names = modules()
    assert {"django_metabase_sso.views", "django_metabase_sso.checks.users"} <= set(names)
    outside = tuple(f"django_metabase_sso.{name}" for name in OUTSIDE)
    code = SOURCE.format(extras=EXTRAS, modules=names, outside=outside)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n[]\n"
