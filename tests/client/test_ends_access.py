"""What ends access: the table of docs/security.md, tried on the stand-in Metabase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from django_metabase_sso.claims import django_groups
from django_metabase_sso.client import MetabaseClient
from django_metabase_sso.exceptions import AccessRefused
from tests.helpers.configure import Configure
from tests.helpers.markdown import table
from tests.helpers.sso import FETCH
from tests.helpers.tokens import decode, token_of
from tests.helpers.twins import ME
from tests.servers.standin import Metabase

NEW_SECRET = "the secret that comes after the first one"
TABLE = table("sign-out of Django")
Event = Callable[[Client, User, Configure], object]


def change(**values: Any) -> Event:
    return lambda client, user, configure: User.objects.filter(pk=user.pk).update(**values)


# What happens, the answer to the next fetch, and what becomes of the client's next call.
EVENTS: dict[str, tuple[Event, int, str]] = {
    "sign-out of Django": (lambda client, user, configure: client.logout(), 401, "signs in"),
    "user deactivated in Django": (change(is_active=False), 401, "inactive"),
    "user deleted in Django": (
        lambda client, user, configure: User.objects.filter(pk=user.pk).delete(),
        401,
        "inactive",
    ),
    "`ACCESS_POLICY` begins to refuse": (
        lambda client, user, configure: configure(ACCESS_POLICY=lambda user, request: False),
        403,
        "policy",
    ),
    "loss of a group, while `groups` are sent and synchronized": (
        lambda client, user, configure: user.groups.clear(),
        200,
        "signs in",
    ),
    "e-mail address changed": (change(email="lovelace@example.com"), 200, "signs in"),
    "secret replaced on both sides": (
        lambda client, user, configure: configure(JWT_SHARED_SECRET=NEW_SECRET),
        200,
        "as before",
    ),
}


def exchange(metabase: Metabase, token: str) -> str:
    """Sign in as the SDK does; return the session."""
    headers = {"X-Metabase-Client": "embedding-sdk-react"}
    body = {"jwt": token}
    answer = httpx.post(f"{metabase.url}/auth/sso", json=body, headers=headers, timeout=10)
    session: str = answer.json()["id"]
    return session


def status_of(metabase: Metabase, session: str) -> int:
    """Return what Metabase answers to a call with a session."""
    headers = {"X-Metabase-Session": session}
    return httpx.get(metabase.url + ME, headers=headers, timeout=10).status_code


def call(metabase: Metabase, user: User) -> str:
    """Make a call as a user; return what that took."""
    before = len(metabase.state()["sign_ins"])
    try:
        with MetabaseClient(user) as client:
            client.get(ME)
    except AccessRefused as refused:
        return refused.code
    return "signs in" if len(metabase.state()["sign_ins"]) > before else "as before"


def account(metabase: Metabase) -> Any:
    """Return Ada's account in Metabase."""
    [found] = [a for a in metabase.state()["accounts"] if a["email"] == "ada@example.com"]
    return found


def test_the_table() -> None:
    assert [row[0] for row in TABLE] == [*EVENTS, "user deactivated in Metabase as well"]


@pytest.mark.parametrize("name", EVENTS)
def test_what_ends_access(
    name: str, signed_in: Client, ada: User, metabase: Metabase, configure: Configure
) -> None:
    event, status, outcome = EVENTS[name]
    configure(GROUP_MAPPING=django_groups)
    ada.groups.add(Group.objects.create(name="Analysts"))
    first = token_of(signed_in.get(FETCH))
    session = exchange(metabase, first)
    assert [call(metabase, ada), call(metabase, ada)] == ["signs in", "as before"]

    event(signed_in, ada, configure)

    answer = signed_in.get(FETCH)
    assert answer.status_code == status
    assert call(metabase, ada) == outcome
    assert status_of(metabase, session) == 200, "Metabase does not know of it"
    [row] = [row for row in TABLE if row[0] == name]
    assert "*S*" in row[1]
    assert ("at once" in row[3]) == (outcome != "as before")


def test_a_lost_group_ends_with_the_next_token(
    signed_in: Client, ada: User, metabase: Metabase, configure: Configure
) -> None:
    configure(GROUP_MAPPING=django_groups)
    ada.groups.add(Group.objects.create(name="Analysts"))
    exchange(metabase, token_of(signed_in.get(FETCH)))
    assert "Analysts" in account(metabase)["groups"]
    ada.groups.clear()
    after = token_of(signed_in.get(FETCH))
    assert decode(after)["groups"] == []
    exchange(metabase, after)
    assert "Analysts" not in account(metabase)["groups"]


def test_a_session_that_is_none(metabase: Metabase) -> None:
    assert status_of(metabase, "0" * 36) == 401


def test_a_deleted_user_frees_the_address(
    signed_in: Client, ada: User, metabase: Metabase, configure: Configure
) -> None:
    exchange(metabase, token_of(signed_in.get(FETCH)))
    before = account(metabase)["id"]
    eve = User.objects.create_user("eve", "ada@example.com")
    client = Client()
    client.force_login(eve)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert client.get(FETCH).json()["code"] == "shared-email"
    User.objects.filter(pk=ada.pk).delete()
    exchange(metabase, token_of(client.get(FETCH)))
    assert account(metabase)["id"] == before
