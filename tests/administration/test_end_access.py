"""`END_ACCESS`: what ends access in Django ends it in Metabase, and nothing else does."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.core import serializers
from django.db import DatabaseError, transaction
from django.db.models.signals import post_delete, pre_save
from django.test import Client, RequestFactory

from django_metabase_sso.administration import receivers, worker
from django_metabase_sso.administration.receivers import UID
from django_metabase_sso.administration.worker import Task, Worker
from django_metabase_sso.apps import MetabaseSSOConfig
from django_metabase_sso.exceptions import MetabaseUnavailable
from django_metabase_sso.signals import access_ended
from django_metabase_sso.tokens import issue_token
from tests.helpers.administration import Administered
from tests.helpers.configure import Configure
from tests.helpers.signals import receiving
from tests.servers.ports import free_port
from tests.staff.models import StaffUser

ADA = "ada@example.com"
pytestmark = pytest.mark.django_db(transaction=True)
Logs = pytest.LogCaptureFixture


@pytest.fixture
def project(metabase: Administered, configure: Configure) -> Iterator[Administered]:
    """A project with both kinds of END_ACCESS; its worker ends with the test."""
    configure(END_ACCESS=["logout", "deactivation"])
    receivers.connect()
    yield metabase
    receivers.disconnect()
    worker.drain()


@pytest.fixture
def ada(project: Administered) -> User:
    project.add(ADA)
    return User.objects.create_user("ada", "Ada@example.com")


def not_ended(caplog: Logs) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.__dict__.get("code") == "access-not-ended"
    ]


def is_active(metabase: Administered, email: str = ADA) -> bool:
    """Whether the account is active once all that waits is done."""
    worker.drain()
    return bool(metabase.account(email)["is_active"])


def save(user: User) -> None:
    user.is_active = False
    user.save()


def save_one_field(user: User) -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])


def save_with_another_address(user: User) -> None:
    user.is_active = False
    user.email = "new@example.com"
    user.save()


def delete_after_a_change(user: User) -> None:
    user.is_active = False  # in memory alone
    user.delete()


ENDS: list[Callable[[User], object]] = [
    save,
    save_one_field,
    save_with_another_address,
    delete_after_a_change,
    lambda user: user.delete(),
    lambda user: User.objects.all().delete(),
    lambda user: save(StaffUser.objects.get(pk=user.pk)),
    lambda user: StaffUser.objects.get(pk=user.pk).delete(),
]


@pytest.mark.parametrize("end", ENDS)
def test_access_ends(project: Administered, ada: User, end: Callable[[User], object]) -> None:
    ended: list[dict[str, Any]] = []

    def receive(**values: Any) -> None:
        ended.append(values)

    with receiving(receive, access_ended):
        end(ada)
        assert not is_active(project)
    [values] = ended
    assert (values["email"], values["how"]) == (ADA, "deactivated")
    assert issubclass(values["sender"], User)


def sign_up(user: User) -> None:
    """Somebody gives Ada's address, and never opens the mail; the sign-up is purged later."""
    User.objects.create_user("eve", "ADA@example.com", is_active=False).delete()


def sign_up_twice(user: User) -> None:
    eve = User.objects.create_user("eve", "ADA@example.com", is_active=False)
    eve.first_name = "Eve"
    eve.save()


def another_user_leaves(user: User) -> None:
    save(User.objects.create_user("eve", "ADA@example.com"))


def roll_back(user: User) -> None:
    with transaction.atomic():
        save(user)
        transaction.set_rollback(True)


def load_a_fixture(user: User) -> None:
    user.is_active = False
    for entry in serializers.deserialize("json", serializers.serialize("json", [user])):
        entry.save()


def save_something_else(user: User) -> None:
    user.is_active = False
    user.first_name = "Augusta"
    user.save(update_fields=["first_name"])


def save_without_a_change(user: User) -> None:
    user.first_name = "Augusta"
    user.save()


def leave_and_come_back(user: User) -> None:
    with transaction.atomic():
        save(user)
        user.is_active = True
        user.save()


def never_an_address(user: User) -> None:
    User.objects.create_user("nobody", "").delete()
    eve = User.objects.create_user("eve", "")
    save(eve)


GOES_ON: list[Callable[[User], object]] = [
    sign_up,
    sign_up_twice,
    another_user_leaves,
    roll_back,
    load_a_fixture,
    save_something_else,
    save_without_a_change,
    leave_and_come_back,
    never_an_address,
]


@pytest.mark.parametrize("act", GOES_ON)
def test_access_goes_on(project: Administered, ada: User, act: Callable[[User], object]) -> None:
    act(ada)
    assert is_active(project)


def test_what_django_sends_no_signal_for(project: Administered, ada: User) -> None:
    User.objects.update(is_active=False)
    assert is_active(project)  # documented: `sync` finds it


@pytest.mark.parametrize(
    "fields",
    [
        {"groups": ["All Users", "Administrators"]},
        {"groups": ["All Users", "Data Analysts"]},
        {"sso_source": None},
    ],
)
def test_guards(project: Administered, ada: User, caplog: Logs, fields: dict[str, Any]) -> None:
    project.add(ADA, **fields)
    save(ada)
    assert is_active(project)
    [message] = not_ended(caplog)
    assert "DELETE /api/user/" in message
    assert ADA not in message


def test_two_users_with_one_address(project: Administered, ada: User, caplog: Logs) -> None:
    User.objects.create_user("eve", "ADA@example.com", is_active=False)
    save(ada)
    assert is_active(project)
    assert "Another Django user" in not_ended(caplog)[0]


def test_a_token_that_brings_the_account_back(
    project: Administered, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token of the last 180 seconds reactivates it; after them, it is looked at again."""
    monkeypatch.setattr(worker, "SECOND_LOOK", 0.3)
    token = issue_token(ada)
    save(ada)
    wait_until(lambda: not project.account(ADA)["is_active"])
    project.api("POST", "/auth/sso/to_session", {"jwt": token})
    assert project.account(ADA)["is_active"]
    wait_until(lambda: not project.account(ADA)["is_active"])


def wait_until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_logout(project: Administered, ada: User) -> None:
    for _ in range(2):
        project.api("POST", "/auth/sso/to_session", {"jwt": issue_token(ada)})
    client = Client()
    client.force_login(ada)
    client.logout()
    worker.drain()
    assert project.state()["sessions"] == 0
    assert project.account(ADA)["is_active"]


def test_logout_of_nobody(project: Administered) -> None:
    Client().logout()
    receivers.on_logout(request=None, user=None)
    receivers.on_logout(request=None, user=User(email=""))
    assert worker._worker is None


def test_logout_of_a_user_without_an_account(project: Administered, caplog: Logs) -> None:
    client = Client()
    client.force_login(User.objects.create_user("li", "li@example.com"))
    client.logout()
    worker.drain()
    assert not_ended(caplog) == []


def test_staff_who_stop_acting_as_somebody(project: Administered, ada: User) -> None:
    project.api("POST", "/auth/sso/to_session", {"jwt": issue_token(ada)})
    request = RequestFactory().get("/")
    ada.is_hijacked = True  # type: ignore[attr-defined]
    receivers.on_logout(request=request, user=ada)
    worker.drain()
    assert project.state()["sessions"] == 1


@pytest.mark.parametrize("act", [save, lambda user: user.delete(), lambda user: None])
def test_metabase_is_down(
    project: Administered,
    ada: User,
    configure: Configure,
    caplog: Logs,
    act: Callable[[User], object],
) -> None:
    client = Client()
    client.force_login(ada)
    configure(INSTANCE_URL=f"http://127.0.0.1:{free_port()}")
    act(ada)
    client.logout()
    worker.drain()
    assert any("the connection failed" in message for message in not_ended(caplog))
    assert all(message.startswith("The access of user") for message in not_ended(caplog))


def test_without_a_key(
    project: Administered, ada: User, configure: Configure, caplog: Logs
) -> None:
    configure(API_KEY=None)
    save(ada)
    assert is_active(project)
    assert not_ended(caplog) == [
        f"The access of user {ada.pk} to Metabase has not ended: BadSetting"
    ]


def test_a_database_that_fails(
    project: Administered, ada: User, caplog: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the old row is ours: saving goes on without it."""

    def fail(*args: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(type(User._base_manager), "using", fail)
    receivers.remember(instance=ada, using="default")
    assert "reading the row failed (DatabaseError)" in not_ended(caplog)[0]


def test_noticing_never_raises(
    project: Administered, ada: User, caplog: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise RuntimeError("a task could not be made")

    monkeypatch.setattr(receivers, "hand_over", fail)
    save(ada)
    receivers.on_logout(request=None, user=ada)
    assert len([text for text in not_ended(caplog) if "the receiver failed" in text]) == 2


def test_one_thread_and_a_bounded_queue(
    project: Administered, caplog: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A burst of a thousand waits for nobody, and what did not fit is logged."""
    caplog.set_level(logging.ERROR)
    started, go_on = threading.Event(), threading.Event()
    seen: set[int] = set()

    def slow(task: Task) -> None:
        started.set()
        go_on.wait(10)
        seen.add(threading.get_ident())

    monkeypatch.setattr(worker, "_end", slow)
    monkeypatch.setattr(worker, "MOST_WAITING", 900)
    users = [User(username=str(n), email=f"{n}@example.com") for n in range(1000)]
    User.objects.bulk_create(users)
    began = time.monotonic()
    User.objects.first().delete()  # type: ignore[union-attr]
    assert started.wait(10)
    User.objects.all().delete()
    assert time.monotonic() - began < 9
    assert [thread.name for thread in threading.enumerate()].count("metabase-sso") == 1
    assert len(not_ended(caplog)) == 99
    go_on.set()
    worker.drain()
    assert len(seen) == 1


def test_the_end_of_the_process(
    project: Administered, ada: User, caplog: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is done for some seconds; the rest is logged."""
    go_on = threading.Event()
    monkeypatch.setattr(worker, "DRAINED_FOR", 0.2)
    monkeypatch.setattr(worker, "_end", lambda task: go_on.wait(10) and None)
    for _ in range(3):
        worker.put(Task("deactivated", User, ada, ada.pk, ADA))
    worker.drain()
    assert len([text for text in not_ended(caplog) if "the process ended" in text]) == 2
    go_on.set()


def test_a_full_queue_at_the_end_of_the_process(
    project: Administered, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(worker, "MOST_WAITING", 1)
    monkeypatch.setattr(worker, "DRAINED_FOR", 0.2)
    monkeypatch.setattr(worker, "_end", lambda task: go_on.wait(10) and None)
    for _ in range(3):
        worker.put(Task("deactivated", User, ada, ada.pk, ADA))
    worker.drain()
    go_on.set()


def test_a_forked_process(
    project: Administered, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork has no thread of its parent's: it starts its own, and drains its own."""
    worker.put(Task("sessions", User, ada, ada.pk, ADA))
    parent = worker._worker
    assert parent is not None
    monkeypatch.setattr(os, "getpid", lambda: parent.pid + 1)
    worker.put(Task("sessions", User, ada, ada.pk, ADA))
    child = worker._worker
    assert child is not parent
    worker.drain()
    worker._worker = parent  # as it is in a fork that has handed over nothing
    worker.drain()
    parent.waiting.put(None)
    parent.thread.join(10)


def test_too_many_second_looks(ada: User, caplog: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MOST_WAITING", 1)
    waiting = Worker()
    for _ in range(2):
        waiting.look_again(Task("deactivated", User, ada, ada.pk, ADA))
    assert "too many accounts are waiting" in not_ended(caplog)[0]


def test_the_thread_goes_on(
    project: Administered, ada: User, caplog: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = iter([RuntimeError("token"), MetabaseUnavailable("Metabase is away.")])

    def fail(task: Task) -> None:
        raise next(errors)

    monkeypatch.setattr(worker, "_end", fail)
    for _ in range(2):
        worker.put(Task("sessions", User, ada, ada.pk, ADA))
    worker.drain()
    texts = [text.partition("has not ended: ")[2] for text in not_ended(caplog)]
    assert texts == ["RuntimeError", "Metabase is away."]


@pytest.mark.parametrize(
    ("setting", "save_count", "delete_count"),
    [([], 0, 0), (["logout"], 0, 0), (["deactivation"], 1, 1)],
)
def test_connected_by_the_app(
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    setting: list[str],
    save_count: int,
    delete_count: int,
) -> None:
    """Without END_ACCESS nothing is connected, and Django deletes fast."""
    configure(END_ACCESS=setting)
    app: Any = MetabaseSSOConfig.create("django_metabase_sso")
    before = len(pre_save.receivers), len(post_delete.receivers)
    monkeypatch.setattr(user_logged_out, "receivers", [])
    app.ready()
    try:
        models = 2  # User and its proxy, StaffUser
        assert len(pre_save.receivers) - before[0] == save_count * models
        assert len(post_delete.receivers) - before[1] == delete_count * models
        connected = {entry[0][0] for entry in user_logged_out.receivers}
        names = {UID, "django_metabase_sso.client"}  # the client's kept sessions end as well
        assert connected == (names if "logout" in setting else set())
    finally:
        receivers.disconnect()
    configure(END_ACCESS="logout")
    app.ready()  # the checks report it
    assert len(pre_save.receivers) == before[0]
