"""What docs/server-side.md says, held against the code."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User

from django_metabase_sso import client, exceptions
from tests.conftest import Configure
from tests.doctor.servers import Canned, fake
from tests.test_docs import ROOT, blocks, rows

PAGE = (ROOT / "docs/server-side.md").read_text()
SIGN_IN = {"POST /auth/sso/to_session": Canned(body={"session_token": "s"})}


def compiled(words: str) -> dict[str, Any]:
    [code] = [code for code in blocks("python", PAGE) if words in code]
    found: dict[str, Any] = {}
    exec(code, found)
    return found


@pytest.mark.parametrize("words", ["import MetabaseClient\n", "AsyncMetabaseClient"])
def test_dashboards(ada: User, configure: Configure, words: str) -> None:
    function = compiled(words)["dashboards_of"]
    with fake({**SIGN_IN, "GET /api/dashboard": Canned(body=[{"id": 1}])}) as server:
        configure(INSTANCE_URL=server.url)
        found = async_to_sync(function)(ada) if "Async" in words else function(ada)
        assert found == [{"id": 1}]


def test_errors(ada: User, configure: Configure) -> None:
    revenue_for = compiled("revenue_for")["revenue_for"]
    answers = {**SIGN_IN, "POST /api/card/7/query/json": Canned(body=[7])}
    with fake(answers) as server:
        configure(INSTANCE_URL=server.url)
        assert revenue_for(ada) == [7]
        answers["POST /api/card/7/query/json"] = Canned(403, "No")
        assert revenue_for(ada).startswith("403: No")
    assert revenue_for(ada) == "Metabase is away. Try again in a minute."
    User.objects.update(is_active=False)
    assert revenue_for(ada).startswith("You may not: ")


def test_the_table_of_exceptions() -> None:
    for name, _ in rows(PAGE, "| exception | when |"):
        known = {**vars(exceptions), **vars(client), "ValueError": ValueError}
        assert issubclass(known[name.strip("`")], Exception)


def test_the_agent_api(ada: User) -> None:
    ask = compiled("agent_headers")["ask"]
    with fake({"GET /api/agent/v1/ping": Canned(body={"ok": True})}) as server:
        assert ask(ada, server.url).json() == {"ok": True}
        assert "Authorization: Bearer eyJ" in server.requests[0]
