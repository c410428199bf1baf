from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from django_metabase_sso import client

WITHOUT_HTTPX = """
import sys
sys.modules["httpx"] = None
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=[
    "django.contrib.auth", "django.contrib.contenttypes", "django_metabase_sso"
])
django.setup()
assert not [name for name in sys.modules if name.startswith("django_metabase_sso.client")]
"""


def test_without_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(ImportError, match=r"pip install 'django-metabase-sso\[client\]'"):
        importlib.reload(client)


def test_the_app_starts_without_httpx() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_HTTPX], check=True)


def test_names() -> None:
    for name in client.__all__:
        assert getattr(client, name).__doc__
