"""Sends requests to `/sso/metabase/guest-token`."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

ENTITY_ID = "V1StGXR8_Z5jdHi6B-myT"
URL = "/sso/metabase/guest-token"
ORIGIN = "http://testserver"
BODY: dict[str, Any] = {"entityType": "dashboard", "entityId": 10, "customContext": {"a": [1]}}


def post(client: Client, body: Any = BODY, *, origin: str | None = ORIGIN, **extra: Any) -> Any:
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    headers = {"Origin": origin} if origin is not None else {}
    headers.update(extra.pop("headers", {}))
    extra = {"content_type": "application/json", **extra}
    return client.post(URL, data, headers=headers, **extra)
