"""What stands in the cache, and for how long."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache, caches

from django_metabase_sso import sessions
from django_metabase_sso.client.people import Person, person
from django_metabase_sso.client.store import Store
from django_metabase_sso.tokens import Token
from tests.client.conftest import Metabase, Sync, entries
from tests.conftest import Configure

SESSION = Token("0b1d6d1f-5c1b-4b5e-9c5e-3f3d3f1d9a51")


@pytest.fixture
def store(ada: User) -> Store:
    return Store(ada, None, "default")


@pytest.fixture
def who(store: Store) -> Person:
    """Ada, as the store knows her."""
    return store.find()[0]


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
    store: Store, who: Person, configure: Configure, lifetime: int
) -> None:
    configure(TOKEN_LIFETIME=lifetime)
    sign_in = store.begin(who)
    store.keep(who, sign_in, SESSION)
    assert store.get(who) == SESSION
    left = max(caches["default"]._expire_info.values()) - time.time()  # type: ignore[attr-defined]
    assert lifetime - 2 < left <= lifetime
    slow = replace(sign_in, began=sign_in.began - lifetime)
    store.keep(who, slow, SESSION)
    assert store.get(who) is None


def test_the_key_is_of_the_claims_without_times(ada: User, configure: Configure) -> None:
    key = person(ada, None).key
    assert person(ada, None).key == key
    for change in (
        {"GROUP_MAPPING": lambda user, request: ["Sales"]},
        {"USER_ATTRIBUTES": lambda user, request: {"a": "b"}},
        {"INSTANCE_URL": "https://metabase.example.org"},
    ):
        configure(**change)
        before, key = key, person(ada, None).key
        assert before != key


def test_a_log_out_during_a_sign_in(store: Store, who: Person) -> None:
    sign_in = store.begin(who)
    sessions.drop(who.user, "default")
    store.keep(who, sign_in, SESSION)
    assert store.get(who) is None
    store.begin(who)
    assert store.get(who) is None


def test_a_mark_that_the_cache_lost(store: Store, who: Person) -> None:
    sign_in = store.begin(who)
    store.keep(who, sign_in, SESSION)
    cache.delete(sessions.mark_key(who.user))
    assert store.get(who) is None


def with_groups(ada: User, configure: Configure, *groups: str) -> Person:
    """Return Ada, when she has these groups."""
    configure(GROUP_MAPPING=lambda user, request: groups)
    return person(ada, None)


def test_a_sign_in_with_other_claims_ends_the_session(
    store: Store, ada: User, configure: Configure
) -> None:
    """Metabase has one account: whoever gave a group up, and lost another since, has neither."""
    less, more = with_groups(ada, configure, "a"), with_groups(ada, configure, "a", "b")
    store.keep(less, store.begin(less), SESSION)
    store.keep(more, store.begin(more), Token("another"))
    assert store.get(more) == "another"
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
    for who, sign_in in list(zip(both, under_way, strict=True))[:: (1, -1)[first]]:
        store.keep(who, sign_in, SESSION)
    assert [store.get(who) for who in both] == [None, None]


def test_two_sign_ins_with_the_same_claims_at_once(store: Store, who: Person) -> None:
    """One of two processes that began on an empty cache is enough."""
    first = store.begin(who)
    cache.delete(sessions.mark_key(who.user))
    second = store.begin(who)
    store.keep(who, first, SESSION)
    assert store.get(who) is None
    store.keep(who, second, SESSION)
    store.keep(who, first, Token("late"))
    assert store.get(who) == SESSION
    assert repr(store.get(who)) == "<Token>"


def test_forget(store: Store, who: Person) -> None:
    sign_in = store.begin(who)
    store.keep(who, sign_in, SESSION)
    store.forget(who, Token("an older one"))
    assert store.get(who) == SESSION
    store.forget(who, SESSION)
    assert store.get(who) is None
