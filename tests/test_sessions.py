from __future__ import annotations

import logging
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache
from django.test import Client
from django.test.utils import isolate_apps
from pytest_django import Settings

from django_metabase_sso import sessions
from tests.accounts.models import ContactUser, EmailUser


class Broken(LocMemCache):
    def delete(self, key: str, version: int | None = None) -> bool:
        raise ConnectionError("no route to the cache")


LOCMEM = "django.core.cache.backends.locmem.LocMemCache"


def test_hashed() -> None:
    assert sessions.hashed("a", {"b": 1, "c": 2}) == sessions.hashed("a", {"c": 2, "b": 1})
    assert sessions.hashed("a", "b") != sessions.hashed("ab")
    assert sessions.hashed("\ud83d")
    assert sessions.hashed(UUID(int=1)) != sessions.hashed(UUID(int=2))


def test_marks_differ_by_model_and_key() -> None:
    users = (User(pk=1), User(pk=2), ContactUser(pk=1), EmailUser(pk=UUID(int=1)))
    assert len({sessions.mark_key(user) for user in users}) == 4


@isolate_apps("tests.accounts")
def test_a_proxy_has_the_same_mark() -> None:
    class Staff(User):
        class Meta:
            proxy = True
            app_label = "accounts"

    assert sessions.mark_key(Staff(pk=1)) == sessions.mark_key(User(pk=1))


def test_every_cache_drops_the_sessions(signed_in: Client, ada: User, settings: Settings) -> None:
    settings.CACHES = {**settings.CACHES, "other": {"BACKEND": LOCMEM, "LOCATION": "other"}}
    bob = User(pk=ada.pk + 1)
    for alias in ("default", "other"):
        caches[alias].set_many({sessions.mark_key(user): "x" for user in (ada, bob)})
    signed_in.logout()
    for alias in ("default", "other"):
        assert caches[alias].get(sessions.mark_key(ada)) is None
        assert caches[alias].get(sessions.mark_key(bob)) == "x"
    caches["other"].clear()
    cache.clear()


def test_a_cache_that_is_down_keeps_nobody_from_logging_out(
    signed_in: Client, ada: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = {"broken": {"BACKEND": "tests.test_sessions.Broken"}, **settings.CACHES}
    cache.set(sessions.mark_key(ada), "x")
    signed_in.logout()
    assert cache.get(sessions.mark_key(ada)) is None
    [record] = [each for each in caplog.records if each.name == "django_metabase_sso"]
    assert record.levelno == logging.WARNING
    assert (record.__dict__["code"], record.__dict__["user_id"]) == ("session-not-dropped", ada.pk)
    assert record.getMessage() == (
        f"The Metabase sessions of user {ada.pk} may still be in the cache 'broken':"
        " ConnectionError"
    )


def test_nobody_logs_out() -> None:
    user_logged_out.send(sender=None.__class__, request=None, user=None)
