from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import Q
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from django_metabase_sso.access import check_access
from django_metabase_sso.exceptions import AccessRefused, BadSetting
from django_metabase_sso.policies import (
    all_of,
    any_of,
    counting_sharers,
    require_group,
    require_otp,
    require_permission,
)
from tests.accounts.models import EmailUser
from tests.helpers.configure import Configure
from tests.helpers.findings import ids, messages

TRUST = "django_metabase_sso.policies.trust_emails"
ADA = EmailUser(email="ada@example.com")


def yes(user: object, request: object) -> bool:
    return True


def no(user: object, request: object) -> bool:
    return False


def never(user: object, request: object) -> bool:
    raise AssertionError


def because(reason: str) -> Any:
    def policy(user: object, request: object) -> bool:
        raise PermissionDenied(reason)

    return policy


def refusal(user: Any, request: HttpRequest | None = None) -> str:
    with pytest.raises(AccessRefused) as caught:
        check_access(user, request)
    assert caught.value.code == "policy"
    return caught.value.message


DEFAULT = "Your account is not allowed to sign in to Metabase."


@pytest.mark.parametrize(
    "policy",
    [
        all_of(yes),
        all_of(yes, TRUST, yes),
        all_of(TRUST, any_of(no, TRUST)),
        any_of(yes, never),
        any_of(no, because("first"), TRUST, never),
        any_of(all_of(yes, no), all_of(yes, TRUST)),
    ],
)
def test_allowed(ada: User, configure: Configure, policy: object) -> None:
    configure(ACCESS_POLICY=policy)
    check_access(ada)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (all_of(no, never), DEFAULT),
        (all_of(yes, because("not you"), never), "not you"),
        (all_of(yes, because("")), DEFAULT),
        (any_of(no), DEFAULT),
        (any_of(because("one"), because("two")), "two"),
        (any_of(because("one"), no), "one"),
        (all_of(any_of(no, because("inner")), never), "inner"),
    ],
)
def test_refused(ada: User, configure: Configure, policy: object, message: str) -> None:
    configure(ACCESS_POLICY=policy)
    assert refusal(ada) == message


@pytest.mark.parametrize("compose", [all_of, any_of])
def test_no_policy(compose: Any) -> None:
    with pytest.raises(ValueError, match="at least one"):
        compose()


@pytest.mark.parametrize("compose", [all_of, any_of])
@pytest.mark.parametrize("result", [None, 1, "yes"])
def test_policies_that_do_not_answer(
    ada: User, configure: Configure, compose: Any, result: object
) -> None:
    def undecided(user: object, request: object) -> object:
        return result

    configure(ACCESS_POLICY=compose(undecided, yes))
    with pytest.raises(ImproperlyConfigured, match=r"'ACCESS_POLICY'\]: undecided returned"):
        check_access(ada)
    configure(ACCESS_POLICY=compose(partial(undecided), yes))
    with pytest.raises(ImproperlyConfigured, match=r"'ACCESS_POLICY'\]: partial returned"):
        check_access(ada)


@pytest.mark.parametrize("compose", [all_of, any_of])
def test_each_policy_gets_the_user_and_the_request(
    ada: User, configure: Configure, compose: Any, rf: RequestFactory
) -> None:
    request = rf.get("/")
    seen: list[tuple[object, object]] = []

    def policy(user: object, request: object) -> bool:
        seen.append((user, request))
        return True

    configure(ACCESS_POLICY=compose(policy))
    check_access(ada, request)
    assert seen == [(ada, request)]


@pytest.mark.parametrize("compose", [all_of, any_of])
@pytest.mark.parametrize(
    ("policy", "check_id"),
    [("nowhere.policy", "E015"), ("tests.settings.SECRET_KEY", "E015"), (None, "E015")],
)
def test_policies_that_are_none(
    ada: User, configure: Configure, compose: Any, policy: Any, check_id: str
) -> None:
    configure(ACCESS_POLICY=compose(policy))
    assert ids() == {check_id}
    with pytest.raises(BadSetting, match=r"^METABASE_SSO\['ACCESS_POLICY'\]"):
        check_access(ada)


async def slow(user: object, request: object) -> bool:
    raise AssertionError


@pytest.mark.parametrize(
    ("policy", "check_id", "words"),
    [(require_group, "E018", "require_group"), (slow, "E018", "async")],
)
def test_each_policy_is_checked(
    configure: Configure, policy: Any, check_id: str, words: str
) -> None:
    configure(ACCESS_POLICY=all_of(yes, any_of(policy)))
    assert words in messages()[check_id].msg
    configure(ACCESS_POLICY=all_of(yes, any_of(TRUST)))
    assert messages() == {}


# Groups and permissions


def test_require_group(
    ada: User, configure: Configure, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    configure(ACCESS_POLICY=require_group("analysts"))
    assert refusal(ada) == DEFAULT
    ada.groups.add(Group.objects.create(name="analysts"))
    check_access(ada)  # the first token of a process costs one query more
    with django_assert_num_queries(2):
        check_access(ada)


def test_require_permission(ada: User, configure: Configure) -> None:
    configure(ACCESS_POLICY=require_permission("auth.view_group"))
    assert refusal(ada) == DEFAULT
    ada.user_permissions.add(Permission.objects.get(codename="view_group"))
    check_access(User.objects.get(pk=ada.pk))


@pytest.mark.parametrize("permission", ["view_group", "auth.", ".view_group", ".a.b", ""])
def test_permissions_that_nobody_has(permission: str) -> None:
    with pytest.raises(ValueError, match="app_label"):
        require_permission(permission)


@pytest.mark.parametrize("require", [require_group, require_permission])
def test_users_without_groups_and_permissions(require: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{require.__name__} needs"):
        require("a.b")(ADA, None)


# Who counts as sharing an address


@counting_sharers(lambda email: Q(is_staff=True))
def staff(user: Any, request: object) -> bool:
    return bool(user.is_staff)


@counting_sharers(lambda email: Q(last_name=email))
def certified(user: Any, request: object) -> bool:
    return bool(user.last_name == "ada@example.com")


@pytest.mark.parametrize("other", ["staff", "certified", "both", "neither"])
@pytest.mark.parametrize(
    ("policy", "counted"),
    [
        (yes, ["staff", "certified", "both", "neither"]),
        (staff, ["staff", "both"]),
        (certified, ["certified", "both"]),
        (all_of(staff, certified), ["both"]),
        (all_of(yes, staff), ["staff", "both"]),
        (any_of(staff, certified), ["staff", "certified", "both"]),
        (any_of(staff, yes), ["staff", "certified", "both", "neither"]),
        (all_of(any_of(staff, certified), certified), ["certified", "both"]),
    ],
)
def test_who_counts_as_sharing(
    ada: User, configure: Configure, policy: Any, counted: list[str], other: str
) -> None:
    configure(ACCESS_POLICY=policy)
    ada.is_staff, ada.last_name = True, "ada@example.com"
    User.objects.create_user(
        "other",
        "ADA@example.com",
        is_staff=other in ("staff", "both"),
        last_name=ada.last_name if other in ("certified", "both") else "",
    )
    if other in counted:
        with pytest.raises(AccessRefused, match="shared-email"):
            check_access(ada)
    else:
        check_access(ada)


def test_a_policy_that_is_marked(ada: User, configure: Configure) -> None:
    @counting_sharers(lambda email: Q(is_staff=True))
    def policy(user: object, request: object) -> bool:
        return True

    configure(ACCESS_POLICY=policy)
    User.objects.create_user("eve", "ADA@example.com")
    check_access(ada)
    User.objects.create_user("root", "ADA@example.com", is_staff=True)
    with pytest.raises(AccessRefused, match="shared-email"):
        check_access(ada)


# The second factor; with the real django-otp: tests/contrib/test_otp.py


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        (True, "This site could not check whether you used your second factor."),
        (lambda: False, "Sign in with your second factor first."),
        (lambda: None, "Sign in with your second factor first."),
        (lambda: "yes", "Sign in with your second factor first."),
    ],
)
def test_marks_that_are_no_second_factor(
    ada: User, configure: Configure, mark: object, message: str
) -> None:
    configure(ACCESS_POLICY=require_otp)
    ada.is_verified = mark  # type: ignore[attr-defined]
    ada.otp_device = object()  # type: ignore[attr-defined]
    assert refusal(ada) == message


def test_the_second_factor(ada: User, configure: Configure) -> None:
    configure(ACCESS_POLICY=require_otp)
    assert "could not check whether" in refusal(ada)
    ada.is_verified = lambda: True  # type: ignore[attr-defined]
    assert "could not check whether" in refusal(ada)  # it may be the address that is verified
    ada.otp_device = object()  # type: ignore[attr-defined]
    check_access(ada)


def test_policies_in_a_settings_file() -> None:
    source = """
from django_metabase_sso.contrib.allauth import require_verified_email
from django_metabase_sso.contrib.rest_framework import using
from django_metabase_sso.policies import *
SECRET_KEY = "x"
POLICY = all_of(require_verified_email, "tests.test_policies.yes", require_group("a"),
    any_of(require_permission("a.b"), require_otp))
AUTHENTICATE = using("rest_framework.authentication.TokenAuthentication")
"""
    code = (
        "import os, sys, types; early = types.ModuleType('early');"
        f"exec({source!r}, early.__dict__);"
        "sys.modules['early'] = early; os.environ['DJANGO_SETTINGS_MODULE'] = 'early';"
        "import django; django.setup(); print('ready')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "ready\n"
