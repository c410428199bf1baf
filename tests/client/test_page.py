"""The code of docs/server-side.md runs."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.contrib.auth.models import User
from django.test import RequestFactory

from django_metabase_sso import client
from django_metabase_sso.client.sessions import Store
from tests.helpers.configure import Configure
from tests.helpers.markdown import blocks
from tests.helpers.redaction import JWT
from tests.helpers.twins import Serve
from tests.servers.faulty import LIST, SIGNED_IN, answer
from tests.servers.standin import Metabase


@pytest.fixture
def names() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for code in blocks("python", "docs/server-side.md"):
        if "INSTALLED_APPS" not in code:
            exec(code, found)
    return found


def test_the_view(
    metabase: Metabase, ada: User, names: dict[str, Any], rf: RequestFactory, configure: Configure
) -> None:
    request = rf.get("/")
    request.user = ada
    assert names["dashboards"](request).content == b"[]"
    metabase.change(jwt_enabled=False)
    ada.email = "new@example.com"
    ada.save()
    assert names["dashboards"](request).status_code == 403
    configure(INSTANCE_URL="http://127.0.0.1:9")
    assert names["dashboards"](request).status_code == 503


def test_the_coroutine(serve: Serve, ada: User, names: dict[str, Any]) -> None:
    serve(SIGNED_IN, answer('[{"name": "Sales"}]'))
    assert async_to_sync(names["names_of_dashboards"])(ada) == ["Sales"]


def test_calls_at_once(serve: Serve, ada: User, names: dict[str, Any]) -> None:
    server = serve(SIGNED_IN, LIST)
    assert [answer.json() for answer in async_to_sync(names["page"])(ada)] == [[], [], []]
    assert len(server.requests) == 4


def test_another_cache(names: dict[str, Any], monkeypatch: pytest.MonkeyPatch, ada: User) -> None:
    config = names["ReportsConfig"]("django_metabase_sso.client", client)
    monkeypatch.setitem(apps.app_configs, config.label, config)
    assert Store(ada, None, None).alias == "metabase"


def test_logout(metabase: Metabase, ada: User, names: dict[str, Any], rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = ada
    names["dashboards"](request)
    names["end_metabase_session"](ada)
    assert metabase.state()["sessions"] == 0


def test_the_agent(serve: Serve, ada: User, names: dict[str, Any]) -> None:
    server = serve(LIST, prefix="/")
    names["ask_agent"](ada, "/api/agent/v1/ping")
    assert server.calls() == ["GET /api/agent/v1/ping"]
    assert JWT.search(server.requests[0].partition("Authorization: Bearer ")[2])
