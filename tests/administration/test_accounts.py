"""Accounts found and deactivated, sessions ended: the guards, and the ways round them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import User

from django_metabase_sso import accounts
from django_metabase_sso.administration.accounts import revoke
from django_metabase_sso.administration.api import opened
from django_metabase_sso.exceptions import AccessRefused, MetabaseRefused, MetabaseUnavailable
from django_metabase_sso.signals import access_ended
from django_metabase_sso.tokens import issue_token
from tests.helpers.administration import Administered
from tests.helpers.configure import Configure
from tests.helpers.markdown import block
from tests.helpers.signals import receiving
from tests.servers.canned import Canned, fake

ADA = "ada@example.com"


def test_found_by_the_address_alone(metabase: Administered, ada: User) -> None:
    """`query` is a part of names and of other addresses, and leaves tenant users out."""
    metabase.add("x{}-ada@example.com", count=250, first_name=ADA)
    assert accounts.find(ada) is None
    number = metabase.add(ADA, groups=["All Users", "Sales"], typed={"region": "north"})
    found = accounts.find(ada)
    assert found is not None
    assert (found.id, found.email, found.is_active, found.sso_source) == (number, ADA, True, "jwt")
    assert found.attributes == {"region": "north"}
    assert len(found.group_ids) == 2
    assert not found.is_privileged
    assert "north" not in repr(found)


def test_found_in_a_tenant(metabase: Administered, ada: User) -> None:
    metabase.change(**{"use-tenants": True})
    number = metabase.add(ADA, tenant="acme", is_active=False)
    found = accounts.find(ada)
    assert found is not None
    assert (found.id, found.is_active) == (number, False)


def test_without_an_address(metabase: Administered) -> None:
    with pytest.raises(AccessRefused, match="no-email"):
        accounts.find(User(username="x"))


def sign_in(metabase: Administered, user: User) -> str:
    answer = metabase.api("POST", "/auth/sso/to_session", {"jwt": issue_token(user)})
    return str(answer["session_token"])


def test_deactivated(metabase: Administered, ada: User) -> None:
    sign_in(metabase, ada)
    ended: list[dict[str, Any]] = []

    def receive(**values: Any) -> None:
        ended.append(values)

    with receiving(receive, access_ended):
        account = accounts.deactivate(ada)
        assert accounts.deactivate(ada) is None
    assert account is not None
    assert metabase.account(ADA)["is_active"] is False
    assert metabase.state()["sessions"] == 0
    [values] = ended
    assert values["sender"] is User
    assert (values["user"], values["email"]) == (ada, ADA)
    assert (values["account_id"], values["how"]) == (account.id, "deactivated")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"sso_source": None}, "does not sign in with JWT"),
        ({"sso_source": "saml"}, "does not sign in with JWT"),
        ({"groups": ["All Users", "Administrators"]}, "administrator or data analyst"),
        ({"groups": ["All Users", "Data Analysts"]}, "administrator or data analyst"),
    ],
)
def test_guards(metabase: Administered, ada: User, fields: dict[str, Any], words: str) -> None:
    metabase.add(ADA, **fields)
    with pytest.raises(MetabaseRefused, match=words) as raised:
        accounts.deactivate(ada)
    assert raised.value.status == 0
    assert metabase.account(ADA)["is_active"] is True


@pytest.mark.parametrize("is_active", [True, False])
def test_an_address_that_several_have(metabase: Administered, ada: User, is_active: bool) -> None:
    metabase.add(ADA)
    User.objects.create_user("eve", "ADA@example.com", is_active=is_active)
    with pytest.raises(MetabaseRefused, match="Another Django user"):
        accounts.deactivate(ada)
    assert metabase.account(ADA)["is_active"] is True


def test_sessions(metabase: Administered, ada: User) -> None:
    other = User.objects.create_user("li", "li@example.com")
    for user in (ada, ada, other):
        sign_in(metabase, user)
    assert accounts.end_sessions(ada) == 2
    assert metabase.state()["sessions"] == 1
    assert accounts.end_sessions(ada) == 0
    assert accounts.end_sessions(User(email="nobody@example.com")) == 0


@pytest.mark.parametrize("changes", [{"version": 63}, {"is_licensed": False}])
def test_sessions_where_they_cannot_be_ended(
    metabase: Administered, ada: User, changes: dict[str, Any]
) -> None:
    sign_in(metabase, ada)
    metabase.change(**changes)
    with pytest.raises(MetabaseRefused, match="65 or newer") as raised:
        accounts.end_sessions(ada)
    assert "deactivate the account" in raised.value.cure
    assert metabase.state()["sessions"] == 1


def test_another_refusal_of_sessions(configure: Configure, ada: User) -> None:
    row = {"id": 7, "email": ADA, "sso_source": "jwt"}
    answers = {
        "GET /api/user": Canned(200, {"data": [row]}),
        "GET /api/user/7": Canned(200, row),
        "POST /api/ee/session-management/revoke": Canned(403, "no"),
    }
    with fake(answers) as server:
        configure(INSTANCE_URL=server.url, API_KEY="mb_tests-only=")
        with pytest.raises(MetabaseRefused, match="group Administrators"):
            accounts.end_sessions(ada)
        [asked] = [request for request in server.requests if "revoke" in request]
    assert asked.endswith('{"user-id": 7}')


@pytest.mark.parametrize("answer", [[], {"revoked": None}])
def test_a_count_that_is_not_told(configure: Configure, ada: User, answer: Any) -> None:
    row = {"id": 7, "email": ADA}
    answers = {
        "GET /api/user": Canned(200, {"data": [row]}),
        "GET /api/user/7": Canned(200, row),
        "POST /api/ee/session-management/revoke": Canned(200, answer),
    }
    with fake(answers) as server:
        configure(INSTANCE_URL=server.url, API_KEY="mb_tests-only=")
        assert accounts.end_sessions(ada) == 0


@pytest.mark.parametrize("number", [0, -1, True, None, "7", 7.0])
def test_the_request_names_one_account(metabase: Administered, number: Any) -> None:
    """An empty one would end everybody's sessions."""
    with opened() as api, pytest.raises(ValueError, match="positive whole number"):
        revoke(api, number)


@pytest.mark.parametrize(
    "answer",
    [
        {"data": "no"},
        [],
        {"data": [{"id": 7}]},
        {"data": [{"id": "x", "email": "a"}]},
        {"data": ["x"]},
        {"data": [{"id": 7, "email": "a@b.example", "user_group_memberships": [{}]}]},
    ],
)
def test_what_is_not_a_list_of_accounts(configure: Configure, ada: User, answer: Any) -> None:
    with fake({"GET /api/user": Canned(200, answer)}) as server:
        configure(INSTANCE_URL=server.url, API_KEY="mb_tests-only=")
        with pytest.raises(MetabaseUnavailable):
            accounts.find(ada)


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Stand for `django.tasks.task`, which Django has since 6.0."""
    return function


@pytest.mark.parametrize("is_active", [True, False])
def test_the_recipe_for_tasks(
    metabase: Administered, ada: User, monkeypatch: pytest.MonkeyPatch, is_active: bool
) -> None:
    tasks: Any = ModuleType("django.tasks")
    tasks.task = plain
    monkeypatch.setitem(sys.modules, "django.tasks", tasks)
    names: dict[str, Any] = {}
    exec(block("python", "from django.tasks import task", "docs/operating.md"), names)
    metabase.add(ADA)
    User.objects.filter(pk=ada.pk).update(is_active=is_active)
    names["end_metabase_access"](ada.pk)
    assert metabase.account(ADA)["is_active"] is is_active
