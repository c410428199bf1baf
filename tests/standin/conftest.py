from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from example_project.standin import settings as standin_settings
from example_project.standin.start import configured
from example_project.standin.state import Instance, instance

SECRET = "stand-in-test-secret-0123456789abcdef"
EMBEDDING_SECRET = "stand-in-test-embedding-secret-0123456789"
KEY = "mb_test-key-of-administrators="
OTHER_KEY = "mb_test-key-of-sales="
SITE = "http://localhost:3000"
PROVIDER = "http://localhost:8000/sso/metabase"
SDK = {"X-Metabase-Client": "embedding-sdk-react"}
MISSING = object()

SignIn = Callable[..., Client]


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


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(
    payload: bytes,
    secret: str = SECRET,
    *,
    algorithm: str = "sha256",
    header: bytes = b'{"alg":"HS256","typ":"JWT"}',
) -> str:
    """Sign any payload, right or wrong: PyJWT would refuse most of these."""
    message = f"{encoded(header)}.{encoded(payload)}"
    return f"{message}.{encoded(hmac.digest(secret.encode(), message.encode(), algorithm))}"


def token(**claims: Any) -> str:
    """Return a token that passes; a claim that is MISSING is left out."""
    now = int(time.time())
    known = {"email": "ada@example.com", "iat": now, "exp": now + 600}
    sent = {k: v for k, v in {**known, **claims}.items() if v is not MISSING}
    return signed(json.dumps(sent).encode())
