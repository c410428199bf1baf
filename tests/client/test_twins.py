"""Both clients, against the stand-in: who is signed in, how often, and until when."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.cache import caches
from django.core.management import call_command
from django.http import HttpRequest
from django.test import Client
from pytest_django import Settings

from django_metabase_sso.client import AsyncMetabaseClient, MetabaseClient, MetabaseRefused
from django_metabase_sso.exceptions import AccessRefused, InvalidClaim
from django_metabase_sso.signals import token_issued, token_refused
from tests.client.conftest import ME, Metabase, Sync, Transport, entries
from tests.client.faulty import SIGNED_IN, answer
from tests.conftest import Configure, receiving


def test_a_call_as_the_user(twin: Sync, metabase: Metabase, ada: User) -> None:
    response = twin.call(ada, ME)
    assert response.json()["email"] == "ada@example.com"
    assert twin.call(ada, "/api/dashboard").json() == []
    assert twin.call(ada, "/api/dashboard", "post", json={"name": "Sales"}).json()["id"] == 1
    assert metabase.sign_ins() == ["ada@example.com"]
    assert "X-Metabase-Session" not in response.request.headers


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_a_method_for_each_of_https(method: str, ada: User) -> None:
    transport = Transport()
    with MetabaseClient(ada, transport=transport) as client:
        assert getattr(client, method)("/api/card/1").status_code == 200
    assert [request.method for request in transport.requests] == ["POST", method.upper()]


def test_each_user_has_a_session(twin: Sync, metabase: Metabase, ada: User) -> None:
    bob = User.objects.create_user("bob", "bob@example.com")
    for user in (ada, bob, ada, bob):
        assert twin.call(user, ME).json()["email"] == user.email.lower()
    assert metabase.sign_ins() == ["ada@example.com", "bob@example.com"]


def test_the_twins_share_the_session(metabase: Metabase, ada: User, twin: Sync) -> None:
    Sync().call(ada, ME)
    twin.call(ada, ME)
    assert len(metabase.sign_ins()) == 1


def test_signals(twin: Sync, metabase: Metabase, ada: User, configure: Configure) -> None:
    seen: list[str] = []

    def note(**kwargs: Any) -> None:
        seen.append(kwargs.get("code", "issued"))

    with receiving(note, token_issued, token_refused):
        twin.call(ada, ME)
        twin.call(ada, ME)
        configure(ACCESS_POLICY=lambda user, request: False)
        with pytest.raises(AccessRefused, match="policy"):
            twin.call(ada, ME)
    assert seen == ["issued", "policy"]


# Before each use


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"is_active": False}, "inactive"),
        ({"email": ""}, "no-email"),
    ],
)
def test_who_is_refused_gets_no_old_session(
    twin: Sync, metabase: Metabase, ada: User, change: dict[str, Any], code: str
) -> None:
    twin.call(ada, ME)
    User.objects.update(**change)  # and the object at hand does not know
    with pytest.raises(AccessRefused, match=code):
        twin.call(ada, ME)


def test_a_deleted_user(twin: Sync, metabase: Metabase, ada: User) -> None:
    twin.call(ada, ME)
    User.objects.all().delete()
    with pytest.raises(AccessRefused, match="inactive"):
        twin.call(ada, ME)


def test_a_changed_address_is_another_session(twin: Sync, metabase: Metabase, ada: User) -> None:
    twin.call(ada, ME)
    User.objects.update(email="ada@example.org")
    assert twin.call(ada, ME).json()["email"] == "ada@example.org"


def test_a_lost_group_is_another_session(
    twin: Sync, metabase: Metabase, ada: User, configure: Configure
) -> None:
    configure(GROUP_MAPPING={"sales": "Sales"})
    ada.groups.add(Group.objects.create(name="sales"))
    twin.call(ada, ME)
    assert "Sales" in metabase.state()["accounts"][1]["groups"]
    ada.groups.clear()
    twin.call(ada, ME)
    assert metabase.state()["accounts"][1]["groups"] == ["All Users"]
    assert len(metabase.sign_ins()) == 2


def test_another_instance_is_another_session(
    twin: Sync, metabase: Metabase, ada: User, configure: Configure
) -> None:
    twin.call(ada, ME)
    configure(INSTANCE_URL=metabase.url.replace("localhost", "127.0.0.1"))
    twin.call(ada, ME)
    assert len(metabase.sign_ins()) == 2


def test_nobody(db: None, twin: Sync) -> None:
    for user in (AnonymousUser(), User(username="new", email="new@example.com")):
        with pytest.raises(AccessRefused):
            twin.call(user, ME)
        with pytest.raises(AccessRefused):
            twin.logout(user)


def test_the_request_is_for_the_callables(
    twin: Sync, metabase: Metabase, ada: User, configure: Configure, rf: Any
) -> None:
    def attributes(user: Any, request: HttpRequest) -> dict[str, str]:
        return {"path": request.path}

    configure(USER_ATTRIBUTES=attributes)
    answer = twin.call(ada, ME, request=rf.get("/report"))
    assert answer.json()["login_attributes"] == {"path": "/report"}


# When Metabase ends the session


def test_metabase_forgets_the_session(twin: Sync, metabase: Metabase, ada: User) -> None:
    twin.call(ada, ME)
    metabase.reset()
    answer = twin.call(ada, "/api/dashboard", "POST", json={"name": "Sales"})
    assert answer.json()["name"] == "Sales"
    assert len(metabase.sign_ins()) == 1


def test_one_new_session_and_no_more(twin: Sync, serve: Any, ada: User) -> None:
    unauthenticated = answer("Unauthenticated", "401 Unauthorized", "text/plain")
    server = serve(SIGNED_IN, unauthenticated, SIGNED_IN, unauthenticated)
    with pytest.raises(MetabaseRefused) as caught:
        twin.call(ada, ME)
    assert (caught.value.status, caught.value.text) == (401, "Unauthenticated")
    assert server.calls() == ["POST /auth/sso/to_session", f"GET {ME}"] * 2


# When the user logs out


def test_logout(twin: Sync, metabase: Metabase, ada: User) -> None:
    twin.call(ada, ME)
    assert metabase.state()["sessions"] == 1
    twin.logout(ada)
    assert metabase.state()["sessions"] == 0
    twin.logout(ada)  # nothing is left to end
    twin.call(ada, ME)
    assert len(metabase.sign_ins()) == 2


def test_logout_after_metabase_forgot(twin: Sync, metabase: Metabase, ada: User) -> None:
    twin.call(ada, ME)
    metabase.reset()
    twin.logout(ada)
    assert metabase.sign_ins() == []


def test_logout_of_someone_who_is_refused(
    twin: Sync, metabase: Metabase, ada: User, configure: Configure
) -> None:
    twin.call(ada, ME)
    configure(ACCESS_POLICY=lambda user, request: False)
    with pytest.raises(AccessRefused):
        twin.logout(ada)
    configure(ACCESS_POLICY=None)
    twin.call(ada, ME)
    assert len(metabase.sign_ins()) == 2


def test_django_logout_drops_the_session(
    twin: Sync, metabase: Metabase, ada: User, signed_in: Client
) -> None:
    twin.call(ada, ME)
    signed_in.logout()
    twin.call(ada, ME)
    assert len(metabase.sign_ins()) == 2


# Caches


@pytest.mark.parametrize("name", ["file", "database", "dummy"])
def test_any_cache(
    twin: Sync, metabase: Metabase, ada: User, settings: Settings, tmp_path: Any, name: str
) -> None:
    back_ends = {
        "file": {"LOCATION": str(tmp_path), "BACKEND": "filebased.FileBasedCache"},
        "database": {"LOCATION": "caches", "BACKEND": "db.DatabaseCache"},
        "dummy": {"BACKEND": "dummy.DummyCache"},
    }
    path = f"django.core.cache.backends.{back_ends[name]['BACKEND']}"
    settings.CACHES = {**settings.CACHES, "metabase": {**back_ends[name], "BACKEND": path}}
    if name == "database":
        call_command("createcachetable", verbosity=0)
    for _ in range(2):
        twin.call(ada, ME, cache="metabase")
    assert len(metabase.sign_ins()) == (2 if name == "dummy" else 1)
    assert entries() == {}
    caches["metabase"].clear()


# Outside of a block, and with a broken project


def test_outside_of_a_block(ada: User) -> None:
    with pytest.raises(RuntimeError, match="with MetabaseClient"):
        MetabaseClient(ada).get("/api/dashboard")
    with pytest.raises(RuntimeError, match="async with"):
        AsyncMetabaseClient(ada)._http  # noqa: B018


def test_a_claim_that_does_not_work(twin: Sync, ada: User, configure: Configure) -> None:
    configure(USER_ATTRIBUTES=lambda user, request: {"x": float("nan")})
    with pytest.raises(InvalidClaim):
        twin.call(ada, ME)


def test_a_receiver_that_raises_stops_the_sign_in(
    twin: Sync, metabase: Metabase, ada: User
) -> None:
    def audit(**kwargs: Any) -> None:
        raise RuntimeError("the audit log is full")

    with (
        receiving(audit, token_issued),
        pytest.raises(RuntimeError, match="the audit log is full"),
    ):
        twin.call(ada, ME)
    assert metabase.sign_ins() == []
    twin.call(ada, ME)  # nobody waits for the one who failed
