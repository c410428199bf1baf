"""What is wrong with a secret is said, and the secret is not shown."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.secrets import Secret
from django_metabase_sso.exceptions import BadSetting
from tests.helpers.configure import Configure
from tests.settings import SECRET


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "is missing."),
        ("", "is missing."),
        ("  \n", "is blank."),
        (SECRET.encode(), "has the type bytes, not a string."),
        (["x"], "has the type list, not a string."),
        (lambda: None, "is a callable that returns NoneType, not a string."),
        (SECRET.encode, "is a callable that returns bytes, not a string."),
        (lambda: " ", "is blank."),
        (SECRET + "\ud83d", "has characters that UTF-8 cannot write."),
    ],
)
def test_what_is_no_secret(configure: Configure, value: Any, problem: str) -> None:
    configure(JWT_SHARED_SECRET=value)
    with pytest.raises(BadSetting) as caught:
        conf.JWT_SHARED_SECRET  # noqa: B018
    assert caught.value.message == f"METABASE_SSO['JWT_SHARED_SECRET'] {problem}"
    assert SECRET not in str(caught.value)


def test_a_secret_that_is_left_out(settings: Any) -> None:
    settings.METABASE_SSO = {"INSTANCE_URL": "https://metabase.example.com"}
    with pytest.raises(BadSetting, match=r"'JWT_SHARED_SECRET'\] is missing"):
        conf.JWT_SHARED_SECRET  # noqa: B018


def test_only_reveal_gives_it_away() -> None:
    secret: Any = Secret(b"hidden-0123456789")
    assert secret.reveal() == b"hidden-0123456789"
    assert len(secret) == 17
    for shown in (secret, [secret], copy.copy(secret), copy.deepcopy({"a": secret})):
        for text in (repr(shown), str(shown), f"{shown}", f"{shown!a:.80}"):
            assert "hidden" not in text
            assert "<Secret>" in text
    for way in (iter, bytes, lambda it: it[:80], lambda it: it + b"", lambda it: it.decode()):
        with pytest.raises((TypeError, AttributeError)) as caught:
            way(secret)
        assert "hidden" not in str(caught.value)


def test_secrets_are_compared() -> None:
    assert Secret(b"a") == Secret(b"a")
    assert Secret(b"a") != Secret(b"b")
    assert Secret(b"a") != b"a"
    assert len({Secret(b"a"), Secret(b"a"), Secret(b"b")}) == 2
