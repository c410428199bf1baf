"""The stand-in's API as an administrator asks it."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from tests.helpers.standin import KEY


class Administrator:
    """Asks with the key of an administrator."""

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
