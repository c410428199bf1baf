"""Who a call is made as, what stands in the cache and for how long, and how it ends."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.models import Session
from django.core.cache import InvalidCacheBackendError, cache, caches
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import isolate_apps
from django.utils.connection import ConnectionDoesNotExist
from django.utils.functional import SimpleLazyObject
from pytest_django import DjangoAssertNumQueries, Settings

from django_metabase_sso.client import agent_headers, sessions
from django_metabase_sso.client.sessions import Store, current_grant, mark_key, session_key
from django_metabase_sso.conf.secrets import Secret
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.signals import token_issued
from django_metabase_sso.tokens import Grant
from tests.accounts.models import ContactUser, EmailUser
from tests.helpers.configure import Configure
from tests.helpers.redaction import assert_clean
from tests.helpers.signals import receiving
from tests.helpers.tokens import decode
from tests.helpers.twins import Sync, entries
from tests.servers.standin import Metabase

TEXT = "0b1d6d1f-5c1b-4b5e-9c5e-3f3d3f1d9a51"
SESSION = Secret(TEXT.encode())
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"


@pytest.fixture
def store(ada: User) -> Store:
    return Store(ada, None, "default")


@pytest.fixture
def who(store: Store) -> Grant:
    """Ada, as the store knows her."""
    return store.find()[0]


# Who a call is made as


def test_read_again(ada: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    User.objects.update(email="new@example.com")
    with django_assert_num_queries(2):  # the user, and the uniqueness of the address
        found = current_grant(ada, None)
    assert found.claims["email"] == "new@example.com"
    assert found.user is not ada
    assert ada.email == "Ada@example.com"


def test_read_again_where_the_user_is(ada: User) -> None:
    """A user of another database has a key that is somebody else's in the default one."""
    ada._state.db = "other"
    with pytest.raises(ConnectionDoesNotExist, match="other"):
        current_grant(ada, None)


def test_the_lazy_user_of_a_request(ada: User) -> None:
    lazy: Any = SimpleLazyObject(lambda: ada)
    assert session_key(current_grant(lazy, None)) == session_key(current_grant(ada, None))


@isolate_apps("tests.accounts")
def test_a_proxy_is_the_same_user(ada: User) -> None:
    class Staff(User):
        class Meta:
            proxy = True
            app_label = "accounts"

    staff = Staff.objects.get()
    assert session_key(current_grant(staff, None)) == session_key(current_grant(ada, None))
    assert type(current_grant(staff, None).user) is Staff


@pytest.mark.parametrize("mark", ["is_hijacked", "is_impersonate"])
def test_marks_of_impersonation_are_kept(ada: User, mark: str) -> None:
    setattr(ada, mark, True)
    with pytest.raises(AccessRefused, match="impersonated"):
        current_grant(ada, None)


def test_marks_of_a_second_factor_are_kept(ada: User, configure: Configure) -> None:
    def verified(user: Any, request: HttpRequest | None) -> bool:
        return bool(user.is_verified())

    configure(ACCESS_POLICY=verified)
    ada.is_verified = lambda: True  # type: ignore[attr-defined]
    assert current_grant(ada, None).user == ada
    ada.is_verified = lambda: False  # type: ignore[attr-defined]
    with pytest.raises(AccessRefused, match="policy"):
        current_grant(ada, None)


def test_permissions_are_not_kept(ada: User) -> None:
    assert ada.has_perm("auth.view_user") is False  # fills a cache on the object
    assert vars(ada).keys() - vars(current_grant(ada, None).user).keys() >= {"_perm_cache"}


def test_a_model_without_a_username(db: None, settings: Any) -> None:
    settings.AUTH_USER_MODEL = "accounts.EmailUser"
    user = EmailUser.objects.create(email="eve@example.com")
    assert current_grant(user, None).claims == {"email": "eve@example.com"}


def test_agent_headers(ada: User, rf: RequestFactory) -> None:
    issued: list[Any] = []

    def note(**kwargs: Any) -> None:
        issued.append((kwargs["user"], kwargs["request"]))

    request = rf.get("/")
    with receiving(note, token_issued):
        headers = agent_headers(ada, request)
    kind, _, token = headers["Authorization"].partition(" ")
    assert kind == "Bearer"
    assert decode(token)["email"] == "ada@example.com"
    assert time.time() - decode(token)["iat"] < 5
    assert issued == [(ada, request)]
    assert_clean(repr(headers))


def test_agent_headers_for_nobody(db: None, ada: User) -> None:
    User.objects.update(is_active=False)
    nobody: Any = AnonymousUser()
    for user in (ada, nobody):
        with pytest.raises(AccessRefused):
            agent_headers(user)


# What the cache keeps


def test_what_is_kept(twin: Sync, metabase: Metabase, ada: User) -> None:
    twin.call(ada, "/api/user/current")
    kept = entries()
    assert len(kept) == 2  # the session and the mark
    for key in kept:
        assert key.startswith("metabase_sso:")
        assert len(key) == len("metabase_sso:") + 64
    assert "eyJ" not in str(kept)
    assert "ada@" not in str(kept)  # "ada" alone may be hexadecimal


@pytest.mark.parametrize("lifetime", [5, 600])
def test_no_longer_than_the_token(
    store: Store, who: Grant, configure: Configure, lifetime: int
) -> None:
    configure(TOKEN_LIFETIME=lifetime)
    mark = store.begin(who)
    store.keep(who, mark, SESSION)
    assert store.get(who) == SESSION
    left = max(caches["default"]._expire_info.values()) - time.time()  # type: ignore[attr-defined]
    assert lifetime - 2 < left <= lifetime
    who.payload["exp"] -= lifetime + 1  # the sign-in took longer than that
    store.keep(who, mark, SESSION)
    assert store.get(who) is None


def test_the_key_is_of_the_claims_without_times(ada: User, configure: Configure) -> None:
    key = session_key(current_grant(ada, None))
    assert session_key(current_grant(ada, None)) == key
    for change in (
        {"GROUP_MAPPING": lambda user, request: ["Sales"]},
        {"USER_ATTRIBUTES": lambda user, request: {"a": "b"}},
        {"INSTANCE_URL": "https://metabase.example.org"},
    ):
        configure(**change)
        before, key = key, session_key(current_grant(ada, None))
        assert before != key


def test_a_log_out_during_a_sign_in(store: Store, who: Grant) -> None:
    mark = store.begin(who)
    sessions.drop(who.user, "default")
    store.keep(who, mark, SESSION)
    assert store.get(who) is None
    store.begin(who)
    assert store.get(who) is None


def test_a_mark_that_the_cache_lost(store: Store, who: Grant) -> None:
    mark = store.begin(who)
    store.keep(who, mark, SESSION)
    cache.delete(mark_key(who.user))
    assert store.get(who) is None


def with_groups(ada: User, configure: Configure, *groups: str) -> Grant:
    """Return Ada, when she has these groups."""
    configure(GROUP_MAPPING=lambda user, request: groups)
    return current_grant(ada, None)


def test_a_sign_in_with_other_claims_ends_the_session(
    store: Store, ada: User, configure: Configure
) -> None:
    """Metabase has one account: an old session must not keep groups that a newer one removed."""
    less, more = with_groups(ada, configure, "a"), with_groups(ada, configure, "a", "b")
    store.keep(less, store.begin(less), SESSION)
    store.keep(more, store.begin(more), Secret(b"another"))
    assert store.get(more) == Secret(b"another")
    assert store.get(less) is None
    store.keep(less, store.begin(less), SESSION)
    assert store.get(less) == SESSION
    assert store.get(more) is None


@pytest.mark.parametrize("first", [0, 1])
def test_two_sign_ins_with_different_claims_at_once(
    store: Store, ada: User, configure: Configure, first: int
) -> None:
    """Nobody knows whose claims the account has."""
    both = with_groups(ada, configure, "a"), with_groups(ada, configure, "b")
    under_way = [store.begin(who) for who in both]
    for who, mark in list(zip(both, under_way, strict=True))[:: (1, -1)[first]]:
        store.keep(who, mark, SESSION)
    assert [store.get(who) for who in both] == [None, None]


def test_two_sign_ins_with_the_same_claims_at_once(store: Store, who: Grant) -> None:
    """One of two processes that began on an empty cache is enough."""
    first = store.begin(who)
    cache.delete(mark_key(who.user))
    second = store.begin(who)
    store.keep(who, first, SESSION)
    assert store.get(who) is None
    store.keep(who, second, SESSION)
    store.keep(who, first, Secret(b"late"))
    assert store.get(who) == SESSION
    assert repr(store.get(who)) == "<Secret>"


def test_a_session_that_metabase_rejected(store: Store, who: Grant) -> None:
    store.keep(who, store.begin(who), SESSION)
    assert store.get(who, rejected=SESSION) is None
    assert store.get(who, rejected=Secret(b"an older one")) == SESSION


@pytest.mark.parametrize("entry", ["", "not JSON", {"session": TEXT}, [TEXT]])
def test_an_entry_of_another_form(store: Store, who: Grant, entry: object) -> None:
    """Another program, or a later version of this one, may use the same cache."""
    cache.set(mark_key(who.user), store.begin(who))
    cache.set(session_key(who), entry)
    assert store.get(who) is None


# When the cache fails: tests/client/test_servers.py has real servers


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that breaks methods of the cache."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("no route to the cache")

    def change(*methods: str) -> None:
        for name in methods:
            monkeypatch.setattr(f"django.core.cache.backends.locmem.LocMemCache.{name}", fail)

    return change


def test_a_cache_that_takes_no_writes(
    store: Store, who: Grant, broken: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    broken("set")
    store.keep(who, store.begin(who), SESSION)
    assert store.get(who) is None
    record = caplog.records[0]
    assert record.getMessage() == (
        "The cache 'default' failed (ConnectionError). Until it works again, the client signs in"
        " to Metabase for each call."
    )
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    assert (record.__dict__["code"], record.__dict__["user_id"]) == ("cache-failed", who.user.pk)


def test_a_cache_that_takes_no_session(
    store: Store, who: Grant, broken: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    mark = store.begin(who)
    broken("set")
    store.keep(who, mark, SESSION)
    assert store.get(who) is None
    assert_clean(caplog.text, TEXT)


def test_a_cache_that_takes_no_mark_of_other_claims(
    store: Store, ada: User, configure: Configure, broken: Callable[..., None]
) -> None:
    """The account in Metabase has the new claims, so the old session must not come back."""
    old = with_groups(ada, configure, "a")
    store.keep(old, store.begin(old), SESSION)
    broken("set")
    new = with_groups(ada, configure, "b")
    store.keep(new, store.begin(new), Secret(b"another"))
    assert store.get(new) is None
    assert store.get(old) is None


def test_a_cache_that_is_gone(store: Store, who: Grant, broken: Callable[..., None]) -> None:
    store.keep(who, store.begin(who), SESSION)
    broken("get", "get_many", "set", "delete", "touch")
    assert store.get(who) is None
    assert store.begin(who) is None
    store.keep(who, None, SESSION)
    assert store.leave() is None


def test_a_cache_that_is_not_configured(ada: User) -> None:
    with pytest.raises(InvalidCacheBackendError):
        Store(ada, None, "nothing").find()


# Keys, and how sessions end


def test_hashed() -> None:
    assert sessions.hashed("a", {"b": 1, "c": 2}) == sessions.hashed("a", {"c": 2, "b": 1})
    assert sessions.hashed("a", "b") != sessions.hashed("ab")
    assert sessions.hashed("\ud83d")
    assert sessions.hashed(UUID(int=1)) != sessions.hashed(UUID(int=2))


def test_marks_differ_by_model_and_key() -> None:
    users = (User(pk=1), User(pk=2), ContactUser(pk=1), EmailUser(pk=UUID(int=1)))
    assert len({mark_key(user) for user in users}) == 4


@isolate_apps("tests.accounts")
def test_a_proxy_has_the_same_mark() -> None:
    class Staff(User):
        class Meta:
            proxy = True
            app_label = "accounts"

    assert mark_key(Staff(pk=1)) == mark_key(User(pk=1))


@pytest.fixture
def other_cache(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A cache that a subclass of the app's configuration names."""
    settings.CACHES = {**settings.CACHES, "other": {"BACKEND": LOCMEM, "LOCATION": "other"}}
    monkeypatch.setattr(apps.get_app_config("metabase_sso_client"), "cache", "other")
    yield caches["other"]
    caches["other"].clear()


def test_the_cache_of_the_app(ada: User, other_cache: Any) -> None:
    assert Store(ada, None, None).alias == "other"
    assert Store(ada, None, "default").alias == "default"


def test_the_default_cache(ada: User, settings: Settings) -> None:
    settings.INSTALLED_APPS = [
        app for app in settings.INSTALLED_APPS if app != "django_metabase_sso.client"
    ]
    assert Store(ada, None, None).alias == "default"


def test_a_sign_out_drops_the_sessions(signed_in: Client, ada: User, other_cache: Any) -> None:
    bob = User(pk=ada.pk + 1)
    for each in (cache, other_cache):
        each.set_many({mark_key(user): "x" for user in (ada, bob)})
    signed_in.logout()
    assert other_cache.get(mark_key(ada)) is None
    assert other_cache.get(mark_key(bob)) == "x"
    assert cache.get(mark_key(ada)) == "x"  # the client does not use this one


def test_a_cache_that_is_down_keeps_nobody_from_signing_out(
    signed_in: Client,
    ada: User,
    broken: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken("delete")
    signed_in.logout()
    [record] = [each for each in caplog.records if each.name == "django_metabase_sso"]
    assert record.levelno == logging.WARNING
    assert (record.__dict__["code"], record.__dict__["user_id"]) == ("session-not-dropped", ada.pk)
    assert record.getMessage() == (
        f"The Metabase sessions of user {ada.pk} may still be in the cache 'default':"
        " ConnectionError"
    )


@pytest.mark.parametrize("user", [object(), User(), AnonymousUser()])
def test_an_odd_user_signs_out(user: Any) -> None:
    """Packages send the signal for users of their own."""
    user_logged_out.send(sender=type(user), request=None, user=user)


def test_nobody_signs_out() -> None:
    user_logged_out.send(sender=None.__class__, request=None, user=None)


def test_a_cache_that_does_not_exist(signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps.get_app_config("metabase_sso_client"), "cache", "nothing")
    signed_in.logout()
    assert not Session.objects.exists()


APP = """
import django
from django.conf import settings
from django.contrib.auth.signals import user_logged_out
settings.configure(INSTALLED_APPS=[{app}
    "django.contrib.auth", "django.contrib.contenttypes", "django_metabase_sso"
])
django.setup()
print(len(user_logged_out.receivers))
"""


@pytest.mark.parametrize(("app", "receivers"), [("", "0"), ('"django_metabase_sso.client",', "1")])
def test_nothing_listens_unless_the_app_is_installed(app: str, receivers: str) -> None:
    """The app can come before all others, because the client does not import a model."""
    command = [sys.executable, "-c", APP.format(app=app)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == receivers
