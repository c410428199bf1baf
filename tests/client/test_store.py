"""What stands in the cache, and for how long."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache, caches

from django_metabase_sso import sessions
from django_metabase_sso.client.people import Person, person
from django_metabase_sso.client.store import LONGEST_TURN, Store
from django_metabase_sso.redacted import Token
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
    assert len(kept) == 2  # the session and the mark; the lock is gone
    for key in kept:
        assert key.startswith("metabase_sso:")
        assert len(key) == len("metabase_sso:") + 64
    assert "eyJ" not in str(kept)
    assert "ada" not in str(kept)


@pytest.mark.parametrize("lifetime", [5, 600])
def test_no_longer_than_the_token(
    store: Store, who: Person, configure: Configure, lifetime: int
) -> None:
    configure(TOKEN_LIFETIME=lifetime)
    turn = store.begin(who)
    assert store.look(who, turn) is True
    store.keep(who, turn, SESSION)
    assert store.get(who) == SESSION
    left = max(caches["default"]._expire_info.values()) - time.time()  # type: ignore[attr-defined]
    assert lifetime - 2 < left <= max(lifetime, LONGEST_TURN)
    slow = replace(turn, began=turn.began - lifetime)
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
    turn = store.begin(who)
    sessions.drop(who.user, "default")
    store.keep(who, turn, SESSION)
    assert store.get(who) is None
    store.begin(who)
    assert store.get(who) is None


def test_a_mark_that_the_cache_lost(store: Store, who: Person) -> None:
    turn = store.begin(who)
    store.keep(who, turn, SESSION)
    cache.delete(sessions.mark_key(who.user))
    assert store.get(who) is None


def test_one_turn_at_a_time(store: Store, who: Person) -> None:
    first, second = store.begin(who), store.begin(who)
    assert store.look(who, first) is True
    assert store.look(who, second) is False
    store.end(second)  # not its own to end
    assert store.look(who, second) is False
    late = replace(second, began=second.began - LONGEST_TURN)
    assert store.look(who, late) is True
    store.end(first)
    assert store.look(who, second) is True


def test_what_another_process_kept(store: Store, who: Person) -> None:
    theirs, ours = store.begin(who), store.begin(who)
    assert store.look(who, theirs) is True
    store.keep(who, theirs, SESSION)
    assert store.look(who, ours) == SESSION
    store.end(theirs)
    assert store.look(who, ours) == SESSION
    assert repr(store.look(who, ours)) == "<Token>"


def test_forget(store: Store, who: Person) -> None:
    turn = store.begin(who)
    store.keep(who, turn, SESSION)
    store.forget(who, Token("an older one"))
    assert store.get(who) == SESSION
    store.forget(who, SESSION)
    assert store.get(who) is None
