from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from example_project.standin import settings as standin_settings
from example_project.standin.start import configured
from example_project.standin.state import Instance, instance
from tests.helpers.standin import (
    EMBEDDING_SECRET,
    KEY,
    OTHER_KEY,
    PROVIDER,
    SECRET,
    SITE,
    SignIn,
    token,
)


@pytest.fixture(autouse=True)
def standin(settings: Settings) -> Iterator[Instance]:
    """Make this process the stand-in, as new."""
    for name in ("ROOT_URLCONF", "MIDDLEWARE", "TEMPLATES"):
        setattr(settings, name, getattr(standin_settings, name))
    secrets = {"jwt-shared-secret": SECRET, "embedding-secret-key": EMBEDDING_SECRET}
    settings.STANDIN_SETTINGS = configured(SITE, PROVIDER, ["https://app.example.com"], **secrets)
    settings.STANDIN_API_KEYS = {KEY: "Administrators", OTHER_KEY: "Sales"}
    instance.reset()
    yield instance
    instance.reset()


@pytest.fixture
def browse(client: Client) -> SignIn:
    """Return a function that signs a browser in with some claims."""

    def sign_in(**claims: Any) -> Client:
        response = client.get("/auth/sso", {"jwt": token(**claims)})
        assert response.status_code == 302
        return client

    return sign_in
