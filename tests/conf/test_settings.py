from __future__ import annotations

import pathlib
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.functional import lazystr
from pytest_django import Settings

from django_metabase_sso.claims import django_groups
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.readers import CLAIM_NAMES
from django_metabase_sso.conf.secrets import Secret
from django_metabase_sso.conf.settings import DEFAULTS, SETTINGS, Conf, Snapshot
from django_metabase_sso.exceptions import BadSetting
from tests.helpers.configure import Configure
from tests.settings import SECRET

LONG = "another-secret-of-thirty-two-bytes"


def function(user: object, request: object) -> None:
    """A callable for the settings of these tests."""
    raise AssertionError


def test_the_table_is_the_class() -> None:
    assert set(SETTINGS) == {name for name in vars(Conf) if name.isupper()}
    for key, setting in SETTINGS.items():
        assert setting.key == key
        assert getattr(Conf, key) is setting
        assert DEFAULTS[key] is setting.default


def test_defaults() -> None:
    assert str(conf.INSTANCE_URL) == "https://metabase.example.com"
    assert Secret(SECRET.encode()) == conf.JWT_SHARED_SECRET
    assert conf.TOKEN_LIFETIME == 600
    assert conf.GROUP_MAPPING is conf.USER_ATTRIBUTES is conf.ACCESS_POLICY is None
    assert conf.TENANT is conf.TENANT_ATTRIBUTES is conf.AUTHENTICATE is None
    assert conf.ALLOW_ADMINISTRATORS is conf.ALLOW_IMPERSONATION is False
    assert conf.REQUIRE_UNIQUE_EMAIL is True
    assert conf.ALLOWED_ORIGINS == ()
    assert conf.LOGIN_URL == "login"
    assert conf.REDIRECT_PARAMS == {"token": "true"}
    assert conf.CLAIM_NAMES["tenant"] == "@tenant"


def test_each_claim_can_have_another_name(configure: Configure) -> None:
    names = {name: f"our {name}" for name in CLAIM_NAMES}
    configure(CLAIM_NAMES=names)
    assert names == conf.CLAIM_NAMES


def test_settings_are_read_when_used(configure: Configure) -> None:
    configure(TOKEN_LIFETIME=5)
    assert conf.TOKEN_LIFETIME == 5
    configure(TOKEN_LIFETIME=6)
    assert conf.TOKEN_LIFETIME == 6


@pytest.mark.parametrize(
    ("key", "value", "check_id"),
    [
        ("INSTANCE_URL", None, "metabase_sso.E003"),
        ("INSTANCE_URL", " ", "metabase_sso.E003"),
        ("INSTANCE_URL", DEFAULTS["INSTANCE_URL"], "metabase_sso.E003"),
        ("INSTANCE_URL", "metabase.example.com", "metabase_sso.E003"),
        ("INSTANCE_URL", "https://user:pass@metabase.example.com", "metabase_sso.E003"),
        ("JWT_SHARED_SECRET", None, "metabase_sso.E005"),
        ("JWT_SHARED_SECRET", "", "metabase_sso.E005"),
        ("JWT_SHARED_SECRET", " " * 40, "metabase_sso.E005"),
        ("JWT_SHARED_SECRET", LONG.encode(), "metabase_sso.E005"),
        ("JWT_SHARED_SECRET", LONG + "\ud83d", "metabase_sso.E005"),
        ("JWT_SHARED_SECRET", lambda: None, "metabase_sso.E005"),
        ("JWT_SHARED_SECRET", "x" * 31, "metabase_sso.E006"),
        ("JWT_SHARED_SECRET", lambda: "x" * 31, "metabase_sso.E006"),
        ("TOKEN_LIFETIME", 0, "metabase_sso.E008"),
        ("TOKEN_LIFETIME", -1, "metabase_sso.E008"),
        ("TOKEN_LIFETIME", True, "metabase_sso.E008"),
        ("TOKEN_LIFETIME", 600.0, "metabase_sso.E008"),
        ("TOKEN_LIFETIME", "600", "metabase_sso.E008"),
        ("TOKEN_LIFETIME", timedelta(milliseconds=999), "metabase_sso.E008"),
        ("GROUP_MAPPING", {"a": 1}, "metabase_sso.E009"),
        ("GROUP_MAPPING", {"a": [1]}, "metabase_sso.E009"),
        ("GROUP_MAPPING", {1: "a"}, "metabase_sso.E009"),
        ("GROUP_MAPPING", {"a": b"b"}, "metabase_sso.E009"),
        ("GROUP_MAPPING", ["a"], "metabase_sso.E015"),
        ("CLAIM_NAMES", {"mail": "m"}, "metabase_sso.E010"),
        ("CLAIM_NAMES", {"email": ""}, "metabase_sso.E010"),
        ("CLAIM_NAMES", {"email": 1}, "metabase_sso.E010"),
        ("CLAIM_NAMES", {"email": "groups"}, "metabase_sso.E010"),
        ("CLAIM_NAMES", {"email": "sub"}, "metabase_sso.E010"),
        ("CLAIM_NAMES", [], "metabase_sso.E010"),
        ("ALLOWED_ORIGINS", "https://app.example.com", "metabase_sso.E012"),
        ("ALLOWED_ORIGINS", {"https://app.example.com"}, "metabase_sso.E012"),
        ("ALLOWED_ORIGINS", ["*"], "metabase_sso.E012"),
        ("ALLOWED_ORIGINS", [None], "metabase_sso.E012"),
        ("REDIRECT_PARAMS", {"jwt": "a"}, "metabase_sso.E013"),
        ("REDIRECT_PARAMS", {"return_to": "a"}, "metabase_sso.E013"),
        ("REDIRECT_PARAMS", {"a": 1}, "metabase_sso.E013"),
        ("REDIRECT_PARAMS", None, "metabase_sso.E013"),
        ("ALLOW_ADMINISTRATORS", "False", "metabase_sso.E014"),
        ("REQUIRE_UNIQUE_EMAIL", 1, "metabase_sso.E014"),
        ("ALLOW_IMPERSONATION", None, "metabase_sso.E014"),
        ("ACCESS_POLICY", "nowhere.policy", "metabase_sso.E015"),
        ("ACCESS_POLICY", "policy", "metabase_sso.E015"),
        ("USER_ATTRIBUTES", "tests.helpers.broken.function", "metabase_sso.E015"),
        ("TENANT", "tests.settings.nothing", "metabase_sso.E015"),
        ("TENANT", "tests.settings.SECRET_KEY", "metabase_sso.E015"),
        ("AUTHENTICATE", 1, "metabase_sso.E015"),
        ("TENANT_ATTRIBUTES", {}, "metabase_sso.E015"),
        ("DEVELOPMENT_API_KEY", "", "metabase_sso.E031"),
        ("DEVELOPMENT_API_KEY", 1, "metabase_sso.E031"),
        ("DEVELOPMENT_API_KEY", "mb_key", "metabase_sso.E031"),
    ],
)
def test_bad_values(configure: Configure, key: str, value: Any, check_id: str) -> None:
    configure(**{key: value})
    with pytest.raises(BadSetting, match=key) as caught:
        getattr(conf, key)
    assert isinstance(caught.value, ImproperlyConfigured)
    assert caught.value.check_id == check_id
    assert caught.value.hint
    assert str(caught.value) == f"{caught.value.message} {caught.value.hint}"
    assert "pass@" not in str(caught.value)


def test_the_secret_is_not_djangos(configure: Configure, settings: Settings) -> None:
    settings.SECRET_KEY = LONG
    configure(JWT_SHARED_SECRET=LONG)
    with pytest.raises(BadSetting, match="SECRET_KEY"):
        conf.JWT_SHARED_SECRET  # noqa: B018
    settings.SECRET_KEY = b"bytes are fine as well"
    settings.SECRET_KEY_FALLBACKS = [LONG]
    with pytest.raises(BadSetting, match="SECRET_KEY"):
        conf.JWT_SHARED_SECRET  # noqa: B018


def test_the_secret_is_not_that_of_guest_embeds(configure: Configure) -> None:
    configure(EMBEDDING_SECRET_KEY=SECRET)
    with pytest.raises(BadSetting, match="the same secret") as caught:
        conf.JWT_SHARED_SECRET  # noqa: B018
    assert caught.value.check_id == "metabase_sso.E028"


@pytest.mark.parametrize("value", [None, "METABASE", []])
def test_no_dict(settings: Settings, value: object) -> None:
    settings.METABASE_SSO = value
    with pytest.raises(BadSetting, match="METABASE_SSO is not a dict") as caught:
        conf.TOKEN_LIFETIME  # noqa: B018
    assert caught.value.check_id == "metabase_sso.E001"


def test_not_there_at_all(settings: Settings) -> None:
    del settings.METABASE_SSO
    with pytest.raises(BadSetting, match="METABASE_SSO is not a dict"):
        conf.TOKEN_LIFETIME  # noqa: B018


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("INSTANCE_ULR", "INSTANCE_URL"),
        ("SECRET", "JWT_SHARED_SECRET"),
        ("group_mapping", "GROUP_MAPPING"),
        ("POLICY", "ACCESS_POLICY"),
    ],
)
def test_unknown_keys(configure: Configure, key: str, nearest: str) -> None:
    configure(**{key: "x"})
    with pytest.raises(BadSetting, match=f"{key}.*Did you mean '{nearest}'") as caught:
        conf.TOKEN_LIFETIME  # noqa: B018
    assert caught.value.check_id == "metabase_sso.E002"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, None),
        (function, function),
        ("tests.conf.test_settings.function", function),
        ("django_metabase_sso.claims.django_groups", django_groups),
        ({"a": "b"}, {"a": "b"}),
        ({"a": ["b"], "c": ("d",), "e": {"f"}}, {"a": ["b"], "c": ("d",), "e": {"f"}}),
    ],
)
def test_group_mapping(configure: Configure, value: Any, found: Any) -> None:
    configure(GROUP_MAPPING=value)
    assert found == conf.GROUP_MAPPING


def test_the_cause_of_a_failing_import_is_shown(configure: Configure) -> None:
    configure(TENANT="tests.helpers.broken.function")
    with pytest.raises(BadSetting, match="ZeroDivisionError") as caught:
        conf.TENANT  # noqa: B018
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_login_url(configure: Configure, settings: Settings) -> None:
    settings.LOGIN_URL = lazystr("/enter/")
    assert conf.LOGIN_URL == "/enter/"
    configure(LOGIN_URL="other")
    assert conf.LOGIN_URL == "other"
    configure(LOGIN_URL=reverse_lazy("login"))
    assert conf.LOGIN_URL == "/login/"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (function, "is not a string: it is a function."),
        (pathlib.PurePosixPath("/enter"), "is not a string: it is a PurePosixPath."),
        (False, "is not a string: it is a bool."),
        ("", "is blank."),
        (lazystr(" "), "is blank."),
        (reverse_lazy("nowhere"), "cannot be resolved: Reverse for 'nowhere' not found."),
    ],
)
def test_no_login_url(configure: Configure, settings: Settings, url: Any, problem: str) -> None:
    configure(LOGIN_URL=url)
    with pytest.raises(BadSetting) as caught:
        conf.LOGIN_URL  # noqa: B018
    assert caught.value.message.startswith(f"METABASE_SSO['LOGIN_URL'] {problem}")
    configure(LOGIN_URL=None)
    settings.LOGIN_URL = url
    with pytest.raises(BadSetting) as caught:
        conf.LOGIN_URL  # noqa: B018
    assert caught.value.message.startswith(f"LOGIN_URL {problem}")


# A snapshot


def test_a_setting_is_read_whenever_it_is_used(configure: Configure) -> None:
    for seconds in (60, 120):
        configure(TOKEN_LIFETIME=seconds)
        assert seconds == conf.TOKEN_LIFETIME


def test_a_snapshot_reads_each_setting_once(configure: Configure) -> None:
    configure(TOKEN_LIFETIME=60, JWT_SHARED_SECRET=iter([SECRET, LONG]).__next__)
    snapshot = Snapshot()
    first = snapshot.TOKEN_LIFETIME, snapshot.JWT_SHARED_SECRET
    configure(TOKEN_LIFETIME=120, LOGIN_URL="/other/")
    assert first == (snapshot.TOKEN_LIFETIME, snapshot.JWT_SHARED_SECRET)
    assert snapshot.LOGIN_URL == "login"
    assert Snapshot().TOKEN_LIFETIME == 120


def test_a_snapshot_shows_nothing() -> None:
    snapshot = Snapshot()
    assert snapshot.JWT_SHARED_SECRET.reveal() == SECRET.encode()
    assert repr(snapshot) == str(snapshot) == "<Snapshot>"
    assert SECRET not in repr(vars(snapshot))


def test_what_is_wrong_is_raised_each_time(configure: Configure) -> None:
    configure(TOKEN_LIFETIME=0)
    snapshot = Snapshot()
    for _ in range(2):
        with pytest.raises(BadSetting, match="TOKEN_LIFETIME"):
            snapshot.TOKEN_LIFETIME  # noqa: B018
