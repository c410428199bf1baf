"""Metabase on a user's page in Django's admin."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import include, path, reverse
from pytest_django import DjangoAssertNumQueries, Settings

from django_metabase_sso.contrib.admin import MetabaseAccessMixin
from django_metabase_sso.exceptions import MetabaseUnavailable
from django_metabase_sso.tokens import issue_token
from example_project.standin.start import API_KEY
from tests.helpers.administration import Administered
from tests.helpers.configure import Configure
from tests.servers.canned import Canned, fake, speaking
from tests.servers.ports import free_port

ADA = "ada@example.com"
ACTION = "end_metabase_sessions"


LIST = "/admin/auth/user/"


@pytest.fixture(autouse=True)
def site(project: None, settings: Settings) -> None:
    """An admin site with our mixin; it can be made only where the admin is installed."""
    from django.contrib.auth.admin import UserAdmin

    class Users(MetabaseAccessMixin, UserAdmin):  # type: ignore[type-arg]
        pass

    found = admin.AdminSite()
    found.register(User, Users)
    others = ("loginas.urls", "django_su.urls")  # the other apps' buttons lead there
    patterns = [path("admin/", found.urls), *(path("", include(name)) for name in others)]
    settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": patterns})


@pytest.fixture
def chief(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("chief", "chief@example.com"))
    return client


@pytest.fixture
def viewer(db: None) -> Client:
    """Staff who may look at users, and not change them."""
    user = User.objects.create_user("viewer", "viewer@example.com", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_user"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def metabase(standin_url: str, configure: Configure) -> Administered:
    found = Administered(standin_url)
    found.reset()
    configure(INSTANCE_URL=standin_url, API_KEY=API_KEY)
    return found


def page(client: Client, user: User) -> str:
    response = client.get(reverse("admin:auth_user_change", args=[user.pk], current_app="admin"))
    assert response.status_code == 200
    text: str = response.content.decode()
    assert API_KEY not in text
    return text


def region(user: User, request: object) -> dict[str, str]:
    return {"region": "north"}


def test_who_a_user_would_be(chief: Client, ada: User, configure: Configure) -> None:
    configure(USER_ATTRIBUTES=region, TENANT=lambda user, request: "acme")
    text = page(chief, ada)
    for words in (ADA, "region", "north", "acme"):
        assert f"<td>{words}</td>" in text
    assert "in Metabase yet" not in text  # without a key, nobody was asked


def test_what_everybody_may_see(viewer: Client, ada: User, configure: Configure) -> None:
    configure(USER_ATTRIBUTES=region, TENANT=lambda user, request: "acme")
    text = page(viewer, ada)
    assert f"<td>{ADA}</td>" in text
    assert "north" not in text
    assert "acme" not in text


def test_why_there_is_no_token(chief: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(email="")
    text = page(chief, ada)
    assert "Your account has no e-mail address. (no-email)" in text
    assert "Give the user an e-mail address" in text


def fail(user: User, request: object) -> bool:
    raise LookupError("<b>the directory is away</b>")


def test_a_callable_that_raises(chief: Client, ada: User, configure: Configure) -> None:
    configure(ACCESS_POLICY=fail)
    text = page(chief, ada)
    assert "LookupError: &lt;b&gt;the directory is away&lt;/b&gt;" in text


def test_a_setting_that_is_wrong(chief: Client, ada: User, configure: Configure) -> None:
    configure(JWT_SHARED_SECRET="short", API_KEY="mb key")
    text = page(chief, ada)
    assert "HS256 needs 32 or more" in text
    assert "has characters that a header may not have" in text
    assert ACTION not in chief.get(LIST).content.decode()


def test_the_account(metabase: Administered, chief: Client, viewer: Client, ada: User) -> None:
    assert "There is no account in Metabase yet." in page(chief, ada)
    groups = ["All Users", "Sales"]
    number = metabase.add(ADA, groups=groups, typed={"region": "<south>"})
    for client in (chief, viewer):
        text = page(client, ada)
        assert f"Account: {number}. Signs in by: jwt. Groups: " in text
        assert "Sales" in text
        assert "It is active." in text
        assert ("region = &lt;south&gt;" in text) is (client is chief)
    metabase.add(ADA, is_active=False, sso_source=None)
    text = page(chief, ada)
    assert "It has been deactivated." in text
    assert "Signs in by: -." in text


def test_a_user_without_an_address(metabase: Administered, chief: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(email="")
    text = page(chief, ada)
    assert "could not be asked" not in text


def test_metabase_is_down(chief: Client, ada: User, configure: Configure) -> None:
    configure(INSTANCE_URL=f"http://127.0.0.1:{free_port()}", API_KEY=API_KEY)
    assert "Metabase could not be asked:" in page(chief, ada)


def test_metabase_is_slow(chief: Client, ada: User, configure: Configure) -> None:
    is_over = threading.Event()

    def wait(connection: object) -> None:
        is_over.wait(60)

    with speaking(wait) as host:
        configure(INSTANCE_URL=f"http://{host}", API_KEY=API_KEY)
        text = page(chief, ada)  # Metabase would answer after a minute
        is_over.set()
    assert "the response took too long" in text


def test_an_odd_answer(chief: Client, ada: User, configure: Configure) -> None:
    row = {"id": 7, "email": ADA}
    answers = {
        "GET /api/user": Canned(200, {"data": [row]}),
        "GET /api/user/7": Canned(200, row),
        "GET /api/permissions/group": Canned(200, [{}]),
    }
    with fake(answers) as server:
        configure(INSTANCE_URL=server.url, API_KEY=API_KEY)
        assert "Metabase could not be asked: KeyError" in page(chief, ada)


def test_nothing_is_asked_for_the_list(
    metabase: Administered,
    chief: Client,
    ada: User,
    configure: Configure,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    configure(ACCESS_POLICY=fail, INSTANCE_URL=f"http://127.0.0.1:{free_port()}")
    with django_assert_max_num_queries(8):
        response = chief.get(LIST)
    assert response.status_code == 200


def test_a_new_user(chief: Client) -> None:
    assert "metabase-access" not in chief.get(f"{LIST}add/").content.decode()


def test_a_user_who_is_not_there(chief: Client) -> None:
    assert chief.get(f"{LIST}999/change/").status_code == 302


def end(client: Client, *users: User, **data: str) -> Any:
    body = {"action": ACTION, "_selected_action": [str(user.pk) for user in users], **data}
    return client.post(LIST, body, follow=True)


@pytest.fixture
def with_sessions(metabase: Administered, ada: User) -> Administered:
    for _ in range(2):
        metabase.api("POST", "/auth/sso/to_session", {"jwt": issue_token(ada)})
    return metabase


def test_sessions_end_after_a_confirmation(
    with_sessions: Administered, chief: Client, ada: User
) -> None:
    nobody = User.objects.create_user("nobody")
    response = end(chief, ada, nobody)
    assert "This ends all sessions of these users in Metabase" in response.content.decode()
    assert with_sessions.state()["sessions"] == 2
    response = end(chief, ada, nobody, confirmed="yes")
    assert "2 sessions in Metabase were ended." in response.content.decode()
    assert with_sessions.state()["sessions"] == 0
    history = chief.get(f"{LIST}{ada.pk}/history/").content.decode()
    assert "Ended the sessions in Metabase." in history


def test_the_permission(with_sessions: Administered, viewer: Client, ada: User) -> None:
    assert ACTION not in viewer.get(LIST).content.decode()
    end(viewer, ada, confirmed="yes")
    assert with_sessions.state()["sessions"] == 2


def test_a_metabase_that_cannot(with_sessions: Administered, chief: Client, ada: User) -> None:
    with_sessions.change(version=60)
    text = end(chief, ada, confirmed="yes").content.decode()
    assert "The sessions of ada could not be ended: " in text
    assert "65 or newer" in text


def test_too_many_at_once(metabase: Administered, chief: Client) -> None:
    users = [User(username=str(n), email=f"{n}@example.com") for n in range(21)]
    User.objects.bulk_create(users)
    text = end(chief, *User.objects.exclude(username="chief")).content.decode()
    assert "Select at most 20 users." in text


def test_without_a_key(chief: Client, ada: User) -> None:
    assert ACTION not in chief.get(LIST).content.decode()
    assert "Metabase could not be asked" not in page(chief, ada)


def test_a_vault_that_is_locked(chief: Client, ada: User, configure: Configure) -> None:
    def locked() -> str:
        raise MetabaseUnavailable("not really")

    configure(API_KEY=locked)
    assert "Metabase could not be asked: not really" in page(chief, ada)
