"""Drives the stand-in in this process: tokens, sign-ins and settings."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from example_project.standin.directory import Account
from example_project.standin.refusals import Refused
from example_project.standin.sign_in import sign_in
from example_project.standin.state import Instance

SECRET = "stand-in-test-secret-0123456789abcdef"
EMBEDDING_SECRET = "stand-in-test-embedding-secret-0123456789"
KEY = "mb_test-key-of-administrators="
OTHER_KEY = "mb_test-key-of-sales="
SITE = "http://localhost:3000"
PROVIDER = "http://localhost:8000/sso/metabase"
SDK = {"X-Metabase-Client": "embedding-sdk-react"}
MISSING = object()
SignIn = Callable[..., Client]


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(
    payload: bytes,
    secret: str = SECRET,
    *,
    algorithm: str = "sha256",
    header: bytes = b'{"alg":"HS256","typ":"JWT"}',
) -> str:
    """Sign any payload, even one that PyJWT would refuse."""
    message = f"{encoded(header)}.{encoded(payload)}"
    return f"{message}.{encoded(hmac.digest(secret.encode(), message.encode(), algorithm))}"


def token(**claims: Any) -> str:
    """Return a valid token, with these claims. A claim that is MISSING is left out."""
    now = int(time.time())
    known = {"email": "ada@example.com", "iat": now, "exp": now + 600}
    sent = {k: v for k, v in {**known, **claims}.items() if v is not MISSING}
    return signed(json.dumps(sent).encode())


def guest(
    kind: str = "dashboard", number: Any = 10, secret: str = EMBEDDING_SECRET, **c: Any
) -> str:
    """Return a valid guest token. A claim that is MISSING is left out."""
    known = {
        "resource": {kind: number},
        "params": {"region": "north"},
        "exp": time.time() + 86_400,
    }
    sent = {key: value for key, value in {**known, **c}.items() if value is not MISSING}
    return signed(json.dumps(sent).encode(), secret)


ADA = {"email": "ada@example.com"}


def signed_in(instance: Instance, **claims: Any) -> Account:
    return sign_in(instance, {**ADA, **claims}, "POST")


def refusal(instance: Instance, **claims: Any) -> Refused:
    """Return why the claims are refused. Assert that nothing has changed."""
    before = repr(instance)
    with pytest.raises(Refused) as caught:
        signed_in(instance, **claims)
    assert repr(instance) == before
    return caught.value


def dropped(account: Account) -> dict[str, str]:
    assert account.last_sign_in
    return {item.claim: item.reason for item in account.last_sign_in.dropped}


def configure(instance: Instance, **values: Any) -> None:
    """Change settings of Metabase, by their Python names, or of the stand-in."""
    instance.update(values)


def post(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json", headers=headers)


def page_text(response: Any) -> str:
    content: bytes = response.content
    return content.decode()


class Administrator:
    """A client that sends the API key of an administrator."""

    def __init__(self, key: str = KEY) -> None:
        self.client = Client(headers={"X-API-Key": key})

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api{path}", query)

    def put(self, path: str, body: Any = None) -> Any:
        return self.client.put(f"/api{path}", json.dumps(body), content_type="application/json")

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(f"/api{path}", json.dumps(body), content_type="application/json")

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/api{path}")
