"""`sync` and `end-sessions`: who stands behind an account, and what is done about it."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.core.management.base import OutputWrapper
from pytest_django import Settings

from django_metabase_sso import management
from django_metabase_sso.administration import sync
from django_metabase_sso.administration.api import opened
from django_metabase_sso.exceptions import MetabaseUnavailable
from django_metabase_sso.management import administration
from tests.accounts.models import EncryptedUser
from tests.helpers.administration import Administered, Run
from tests.helpers.configure import Configure
from tests.servers.canned import Canned, fake

COUNT = 2_000


@pytest.fixture
def people(metabase: Administered, ada: User) -> Administered:
    """Accounts of each kind; Ada's is as it should be."""
    accounts: dict[str, dict[str, Any]] = {
        "ada": {},
        "gone": {},
        "left": {},
        "LEFT2": {},
        "twice": {},
        "mail": {},
        "chief": {"groups": ["All Users", "Administrators"]},
        "password": {"sso_source": None},
        "off": {"is_active": False},
    }
    for name, fields in accounts.items():
        metabase.add(f"{name}@example.com".lower(), **fields)
    for name in ("left", "left2", "chief", "password", "off"):
        User.objects.create_user(name, f"{name.title()}@example.com", is_active=False)
    User.objects.create_user("twice1", "twice@example.com", is_active=False)
    User.objects.create_user("twice2", "TWICE@example.com", is_active=False)
    return metabase


def states(manage: Run, *arguments: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the status, and state and action by the name in front of the @."""
    status, out, _ = manage("sync", "--json", *arguments)
    rows = json.loads(out)["accounts"]
    for row in rows:
        assert list(row) == ["id", "email", "state", "action"]
    return status, {row["email"].split("@")[0]: (row["state"], row["action"]) for row in rows}


def test_who_stands_behind(people: Administered, manage: Run) -> None:
    status, found = states(manage)
    assert status == 1
    assert found == {
        "ada": ("ok", "keep"),
        "gone": ("no-user", "keep"),
        "left": ("inactive", "deactivate"),
        "left2": ("inactive", "deactivate"),
        "mail": ("no-user", "keep"),
        "twice": ("shared-email", "keep"),
        "chief": ("inactive", "keep"),
    }
    assert all(people.account(f"{name}@example.com")["is_active"] for name in found)


def test_apply(people: Administered, manage: Run) -> None:
    status, found = states(manage, "--apply")
    assert status == 0
    assert found["left"] == found["left2"] == ("inactive", "deactivated")
    active = {one["email"] for one in people.state()["accounts"] if one["is_active"]}
    assert not {"left@example.com", "left2@example.com"} & active
    assert {"gone@example.com", "chief@example.com", "twice@example.com"} <= active
    assert manage("sync", "--apply", "--only", "ada@example.com") == (0, "", "")


def test_unknown(people: Administered, manage: Run) -> None:
    """Another site may sign users in to the same Metabase, so this has to be asked for."""
    only = ["--only", "GONE@example.com", "ada@example.com"]
    status, found = states(manage, "--unknown", "--apply", *only)
    assert (status, found) == (0, {"ada": ("ok", "keep"), "gone": ("no-user", "deactivated")})
    assert people.account("mail@example.com")["is_active"] is True


def test_tenant_users_too(metabase: Administered, manage: Run, ada: User) -> None:
    metabase.change(**{"use-tenants": True})
    metabase.add("left@example.com", tenant="acme")
    User.objects.create_user("left", "left@example.com", is_active=False)
    assert states(manage)[1] == {"left": ("inactive", "deactivate")}


def refuse(user: User, request: object) -> bool:
    raise PermissionDenied("no")


def test_refusals(people: Administered, configure: Configure, manage: Run) -> None:
    configure(ACCESS_POLICY=refuse)
    assert states(manage, "--only", "ada@example.com")[1] == {"ada": ("policy", "keep")}


def test_an_address_that_cannot_be_sent(people: Administered, manage: Run) -> None:
    """There is a user behind the account, though this user gets no token: it is kept."""
    User.objects.filter(username="ada").update(email="ada lovelace@example.com")
    people.add("ada lovelace@example.com")
    found = states(manage, "--unknown", "--only", "ada lovelace@example.com")[1]
    assert found == {"ada lovelace": ("invalid-email", "keep")}


def test_a_column_that_cannot_be_compared(
    people: Administered, manage: Run, settings: Settings
) -> None:
    """Nobody would seem to be behind any account."""
    settings.AUTH_USER_MODEL = "accounts.EncryptedUser"
    EncryptedUser.objects.create(username="ada", email="ada@example.com")
    status, out, err = manage("sync", "--unknown", "--apply")
    assert (status, out) == (2, "")
    assert "cannot compare the column" in err
    assert people.account("ada@example.com")["is_active"] is True


def test_text(people: Administered, manage: Run) -> None:
    status, out, _ = manage("sync")
    assert status == 1
    assert "ada@example.com" not in out
    number = people.account("left@example.com")["id"]
    assert f"deactivate   inactive         left@example.com (account {number})" in out


def test_too_many(people: Administered, manage: Run) -> None:
    status, _, err = manage("sync", "--apply", "--most", "1")
    assert status == 2
    assert "More than 1 accounts would be deactivated, so nothing was done." in err
    assert people.account("left@example.com")["is_active"] is True
    assert manage("sync", "--apply", "--most", "2")[0] == 0
    status, out, _ = manage("sync", "--apply", "--most", "0", "--unknown", "--json")
    assert status == 2
    assert isinstance(json.loads(out)["accounts"], list)


def test_without_accounts(metabase: Administered, manage: Run, db: None) -> None:
    assert states(manage) == (0, {})


def test_a_callable_that_raises(people: Administered, configure: Configure, manage: Run) -> None:
    configure(ACCESS_POLICY=lambda user, request: 1 / 0)
    status, _, err = manage("sync", "--apply")
    assert status == 2
    assert "ZeroDivisionError" in err
    assert people.account("left@example.com")["is_active"] is True


def test_asked_again_before(
    people: Administered, manage: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the list and the act, Metabase and Django may have changed."""
    collect = sync.collect

    def later(*arguments: Any) -> Any:
        due = collect(*arguments)
        User.objects.filter(username="left").update(is_active=True)
        people.add("left2@example.com", groups=["All Users", "Administrators"])
        return due

    monkeypatch.setattr(sync, "collect", later)
    status, found = states(manage, "--apply")
    assert status == 0
    assert found["left"] == ("ok", "keep")
    assert found["left2"] == ("inactive", "keep")
    for name in ("left", "left2"):
        assert people.account(f"{name}@example.com")["is_active"] is True


def test_metabase_fails_half_way(configure: Configure, manage: Run, db: None) -> None:
    rows = [{"id": n, "email": f"{n}@example.com", "sso_source": "jwt"} for n in (1, 2, 3)]
    for number in (1, 2, 3):
        User.objects.create_user(str(number), f"{number}@example.com", is_active=False)
    answers = {
        "GET /api/user": Canned(200, {"data": rows, "total": 3}),
        **{f"GET /api/user/{row['id']}": Canned(200, row) for row in rows},
        "DELETE /api/user/1": Canned(204),
        "DELETE /api/user/2": Canned(500),
    }
    with fake(answers) as server:
        configure(INSTANCE_URL=server.url, API_KEY="mb_tests-only=")
        status, out, err = manage("sync", "--apply", "--json")
    assert status == 2
    assert "Only the accounts above" in err
    actions = [row["action"] for row in json.loads(out)["accounts"]]
    assert actions == ["deactivated", "deactivate"]
    assert not any("/api/user/3" in request for request in server.requests)


class Shifting:
    """Metabase while accounts come and go between two pages."""

    def __init__(self, *pages: list[int], total: int | None = None) -> None:
        self.pages = iter(pages)
        self.total = total
        self.offsets: list[int] = []

    def get(self, path: str, params: dict[str, Any]) -> Any:
        self.offsets.append(params["offset"])
        ids = next(self.pages)
        rows = [{"id": n, "email": f"{n}@example.com", "sso_source": "jwt"} for n in ids]
        return {"data": rows, "total": self.total}


def test_a_list_that_shifts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account before the page is gone, so the next page would begin too late."""
    monkeypatch.setattr(sync, "PAGE", 3)
    api: Any = Shifting([1, 2, 3], [4, 5, 6], [2, 3, 4], [4, 5, 6], [6])
    progress: list[tuple[int, int]] = []
    pages = list(sync.active_accounts(api, lambda done, total: progress.append((done, total))))
    assert {account.id for page in pages for account in page} == {1, 2, 3, 4, 5, 6}
    assert api.offsets == [0, 2, 0, 2, 4]
    assert progress[-1] == (0, 0)


def test_a_list_that_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "PAGE", 3)
    api: Any = Shifting([1, 2, 3], [], [1, 2], total=2)
    pages = list(sync.active_accounts(api, lambda done, total: None))
    assert len(pages) == 2


def test_a_list_that_never_holds_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "PAGE", 2)
    monkeypatch.setattr(sync, "MOST_STEPS_BACK", 3)
    pages: Iterator[list[int]] = iter([[1, 2], [9, 8]] * 9)
    api: Any = Shifting(*pages)
    with pytest.raises(MetabaseUnavailable, match="faster than it can be read"):
        list(sync.active_accounts(api, lambda done, total: None))


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("stream", [Terminal, StringIO])
def test_progress_on_a_terminal_alone(stream: type[StringIO]) -> None:
    out, err = stream(), stream()
    with pytest.raises(SystemExit):
        call_command("metabase_sso", "sync", stdout=out, stderr=err, no_color=True)
    assert ("[####" in err.getvalue()) is (stream is Terminal)


def test_the_progress_bar() -> None:
    err = StringIO()
    show = administration._progress(OutputWrapper(err))
    show(5, 10)
    show(10, 10)
    assert err.getvalue() == f"\r[{'#' * 15:30}] 5 of 10\r[{'#' * 30}] 10 of 10\n"


def test_many_accounts(metabase: Administered, db: None) -> None:
    """It finds exactly the wrong ones, and keeps no more of them in memory than a page."""
    metabase.add("person{}@example.com", count=COUNT)
    users = (
        User(username=f"{n}", email=f"Person{n}@example.com", is_active=n % 200 != 0)
        for n in range(1, COUNT + 1)
        if n % 500 != 1
    )
    User.objects.bulk_create(users, batch_size=1000)
    tracemalloc.start()
    try:
        with opened() as api:
            found = sync.rows(api, unknown=False, only=(), progress=lambda done, total: None)
            wrong = [row for row in found if row.state != "ok"]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert {row.state for row in wrong if row.action == "deactivate"} == {"inactive"}
    assert sum(row.state == "inactive" for row in wrong) == 10
    assert sum(row.state == "no-user" for row in wrong) == 4
    assert peak < 10 * 1024 * 1024


def test_end_sessions(people: Administered, manage: Run, ada: User) -> None:
    status, out, _ = manage("end-sessions", "ada")
    assert (status, out) == (0, f"Metabase sessions ended for user {ada.pk}: 0.\n")
    status, out, _ = manage("end-sessions", "ada@example.com", "--json")
    assert json.loads(out) == {"user": str(ada.pk), "revoked": 0}
    people.change(version=60)
    status, _, err = manage("end-sessions", "ada")
    assert status == 2
    assert "65 or newer" in err
    status, _, err = manage("end-sessions", "nobody")
    assert status == 2
    assert "No user has" in err
    User.objects.filter(pk=ada.pk).update(email="")
    assert manage("end-sessions", "ada")[0] == 2


def test_a_number_that_is_not_one(manage: Run) -> None:
    status, _, err = manage("sync", "--most", "-1")
    assert status == 1
    assert "--most" in err


def test_without_the_extra(manage: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "django_metabase_sso.management.administration", None)
    monkeypatch.delattr(management, "administration", raising=False)
    status, _, err = manage("sync")
    assert status == 2
    assert "django_metabase_sso" in err
