from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import models
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import isolate_apps
from django.utils.connection import ConnectionDoesNotExist
from pytest_django import DjangoAssertNumQueries, Settings

from django_metabase_sso.access import check_access, is_impersonated
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.policies import deny_emails, trust_emails
from django_metabase_sso.signals import token_issued
from tests.accounts.models import IndexedUser
from tests.helpers.configure import Configure
from tests.helpers.signals import receiving
from tests.helpers.sso import FETCH
from tests.helpers.tokens import decode, token_of

MESSAGES = {
    "not-authenticated": "not authenticated",
    "inactive": "Your account has been deactivated.",
    "impersonated": "You are acting as another user. Only that user can open Metabase.",
    "shared-email": (
        "Another account has the same e-mail address. Metabase could not tell them apart."
    ),
    "policy": "Your account is not allowed to sign in to Metabase.",
}


def code_of(user: Any) -> str:
    with pytest.raises(AccessRefused) as caught:
        check_access(user)
    assert str(caught.value) == f"{caught.value.message} ({caught.value.code})"
    assert caught.value.message == MESSAGES[caught.value.code]
    return caught.value.code


def test_allowed(ada: User) -> None:
    check_access(ada)


def test_anonymous() -> None:
    assert code_of(AnonymousUser()) == "not-authenticated"


def test_inactive(ada: User) -> None:
    ada.is_active = False
    assert code_of(ada) == "inactive"


# Unique addresses


@pytest.mark.parametrize("other", ["ada@example.com", "ADA@EXAMPLE.COM"])
@pytest.mark.parametrize("is_active", [True, False])
def test_shared_address(ada: User, other: str, is_active: bool) -> None:
    User.objects.create_user("eve", other, is_active=is_active)
    assert code_of(ada) == "shared-email"


@pytest.mark.parametrize(("number", "more"), [(1, ""), (10, ""), (11, " and more")])
def test_who_shares_an_address_is_logged(
    ada: User, caplog: pytest.LogCaptureFixture, number: int, more: str
) -> None:
    for name in range(number):
        User.objects.create_user(str(name), "ADA@example.com")
    ids = list(User.objects.exclude(pk=ada.pk).order_by("pk").values_list("pk", flat=True))[:10]
    assert code_of(ada) == "shared-email"
    [record] = caplog.records
    others = ", ".join(map(str, ids))
    assert record.getMessage() == f"User {ada.pk} shares an e-mail address with {others}{more}."
    found = {key: record.__dict__[key] for key in ("code", "user_id", "sharer_ids")}
    assert found == {"code": "shared-email", "user_id": ada.pk, "sharer_ids": ids}


@pytest.mark.parametrize("other", ["", "ada@example.org", "ada@example.com.evil.example"])
def test_other_addresses(ada: User, other: str) -> None:
    User.objects.create_user("eve", other)
    check_access(ada)


def test_shared_address_that_nobody_minds(
    ada: User, configure: Configure, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    User.objects.create_user("eve", "ada@example.com")
    configure(REQUIRE_UNIQUE_EMAIL=False)
    with django_assert_num_queries(0):
        check_access(ada)


# ACCESS_POLICY


@pytest.mark.parametrize("policy", ["django_metabase_sso.policies.trust_emails", trust_emails])
def test_trust_emails(ada: User, configure: Configure, policy: object) -> None:
    configure(ACCESS_POLICY=policy)
    check_access(ada)


@pytest.mark.parametrize(
    ("patterns", "refused"),
    [
        (["*@corp.example"], False),
        (["ada@example.com"], True),
        (["*@EXAMPLE.com"], True),
        (["*@corp.example", "a?a@*"], True),
        (["*@*.example.com"], False),
        (["ad?@example.com"], True),
        (["o'*+{?}~@example.com"], False),
    ],
)
def test_deny_emails(ada: User, configure: Configure, patterns: list[str], refused: bool) -> None:
    configure(ACCESS_POLICY=deny_emails(*patterns))
    if refused:
        assert code_of(ada) == "policy"
    else:
        check_access(ada)


def test_deny_emails_needs_a_pattern() -> None:
    with pytest.raises(ValueError, match="needs a pattern"):
        deny_emails()


@pytest.mark.parametrize(
    "pattern",
    [
        "corp.example",
        "*@cörp.example",
        " *@a.example",
        "*@a.example\n",
        "[a]da@example.com",  # a bracket is a bracket, not a set of characters
        "[!a]*@corp.example",
        "*@[a-z]xample.com",
        "*@[192.0.2.1]",
        '"ada"@example.com',
        "a@b@example.com",
        "ada@corp_example.com",
        "Ada <*@example.com>",
        "*@a.example,*@b.example",
        "@a.example",
    ],
)
def test_patterns_that_cannot_match_an_address(pattern: str) -> None:
    with pytest.raises(ValueError, match="cannot match an address"):
        deny_emails("*@corp.example", pattern)


@pytest.mark.parametrize("address", ["ada@[192.0.2.1]", '"[a]"@example.com', "[a@example.com"])
def test_addresses_with_brackets_are_refused_anyway(ada: User, address: str) -> None:
    ada.email = address
    with pytest.raises(AccessRefused) as caught:
        check_access(ada)
    assert caught.value.code == "invalid-email"


@pytest.mark.parametrize("email", ["ada@example.com", "eve@example.com", "nobody@example.org"])
def test_who_is_refused_learns_nothing_about_addresses(
    ada: User, configure: Configure, django_assert_num_queries: DjangoAssertNumQueries, email: str
) -> None:
    """The policy is asked first: one code for each address, and the database is left alone."""
    User.objects.create_user("eve", "eve@example.com")
    stranger = User.objects.create_user("stranger", email)
    configure(ACCESS_POLICY=deny_emails("*@*"))
    with django_assert_num_queries(0):
        assert code_of(stranger) == "policy"


def test_policies_can_be_imported_by_a_settings_file() -> None:
    code = (
        "import os, types, sys; module = types.ModuleType('early');"
        "exec('from django_metabase_sso.policies import deny_emails\\n'"
        '\'SECRET_KEY = "x"; POLICY = deny_emails("*@a.example")\', module.__dict__);'
        "sys.modules['early'] = module; os.environ['DJANGO_SETTINGS_MODULE'] = 'early';"
        "import django; django.setup(); print('ready')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "ready\n"


@pytest.mark.parametrize("result", [None, 1, "yes", object()])
def test_a_policy_must_answer_true_or_false(
    ada: User, configure: Configure, result: object
) -> None:
    configure(ACCESS_POLICY=lambda user, request: result)
    with pytest.raises(ImproperlyConfigured, match="ACCESS_POLICY"):
        check_access(ada)


def test_an_async_policy_lets_nobody_in(ada: User, configure: Configure) -> None:
    coroutines = []

    async def policy(user: User, request: HttpRequest) -> bool:
        return True

    def call(user: User, request: HttpRequest) -> object:
        coroutines.append(policy(user, request))
        return coroutines[0]

    configure(ACCESS_POLICY=call)
    with pytest.raises(ImproperlyConfigured, match="returned coroutine"):
        check_access(ada)
    with pytest.raises(StopIteration) as stopped:
        coroutines[0].send(None)
    assert stopped.value.value is True


@pytest.mark.parametrize(
    ("words", "message"),
    [("Pay first.", "Pay first."), ("", "Your account is not allowed to sign in to Metabase.")],
)
def test_a_policy_may_say_why(ada: User, configure: Configure, words: str, message: str) -> None:
    def policy(user: User, request: HttpRequest) -> bool:
        raise PermissionDenied(words)

    configure(ACCESS_POLICY=policy)
    with pytest.raises(AccessRefused) as caught:
        check_access(ada)
    assert (caught.value.code, caught.value.message) == ("policy", message)


# Impersonation, by the real packages


@pytest.fixture
def staff(ada: User) -> User:
    return User.objects.create_superuser("root", "root@example.com")


def hijack(client: Client, settings: Settings, staff: User, user: User) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "hijack.middleware.HijackUserMiddleware"]
    client.force_login(staff)
    assert client.post("/hijack/acquire/", {"user_pk": user.pk}).status_code == 302


def impersonate(client: Client, settings: Settings, staff: User, user: User) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "impersonate.middleware.ImpersonateMiddleware"]
    client.force_login(staff)
    assert client.get(f"/impersonate/{user.pk}/").status_code == 302


@pytest.mark.parametrize("act_as", [hijack, impersonate])
def test_impersonation(
    client: Client, ada: User, staff: User, settings: Settings, configure: Configure, act_as: Any
) -> None:
    act_as(client, settings, staff, ada)
    response = client.get(FETCH)
    assert (response.status_code, response.json()["code"]) == (403, "impersonated")

    issued = []

    def receiver(impersonator: object, user: User, **kwargs: object) -> None:
        issued.append((impersonator, user))

    configure(ALLOW_IMPERSONATION=True)
    with receiving(receiver, token_issued):
        assert decode(token_of(client.get(FETCH)))["email"] == "ada@example.com"
    assert issued == [(staff, ada)]


@pytest.mark.parametrize(
    "middleware",
    ["hijack.middleware.HijackUserMiddleware", "impersonate.middleware.ImpersonateMiddleware"],
)
def test_staff_as_themselves(
    client: Client, staff: User, settings: Settings, middleware: str
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]
    client.force_login(staff)
    assert decode(token_of(client.get(FETCH)))["email"] == "root@example.com"


def test_an_impersonator_that_is_not_known(ada: User, configure: Configure) -> None:
    """An audit would name ada herself."""
    configure(ALLOW_IMPERSONATION=True)
    ada.is_hijacked = True  # type: ignore[attr-defined]
    assert code_of(ada) == "impersonated"


def test_an_impersonator_who_was_deleted(
    client: Client, ada: User, staff: User, settings: Settings, configure: Configure
) -> None:
    configure(ALLOW_IMPERSONATION=True)
    hijack(client, settings, staff, ada)
    staff.delete()
    response = client.get(FETCH)
    assert (response.status_code, response.json()["code"]) == (403, "impersonated")


def test_an_impersonator_is_looked_for_where_the_user_is(
    ada: User, configure: Configure, rf: RequestFactory
) -> None:
    configure(ALLOW_IMPERSONATION=True, REQUIRE_UNIQUE_EMAIL=False)
    request: Any = rf.get("/")
    request.session = {"hijack_history": ["1"], "_auth_user_id": str(ada.pk)}
    ada._state.db = "other"
    with pytest.raises(ConnectionDoesNotExist, match="other"):
        check_access(ada, request)


def test_the_first_of_several_impersonators_is_named(
    client: Client, ada: User, staff: User, settings: Settings, configure: Configure
) -> None:
    between = User.objects.create_superuser("between", "between@example.com")
    hijack(client, settings, staff, between)
    assert client.post("/hijack/acquire/", {"user_pk": ada.pk}).status_code == 302
    issued: list[object] = []

    def receiver(impersonator: object, **kwargs: object) -> None:
        issued.append(impersonator)

    configure(ALLOW_IMPERSONATION=True)
    with receiving(receiver, token_issued):
        assert decode(token_of(client.get(FETCH)))["email"] == "ada@example.com"
    assert issued == [staff]


def test_impersonation_is_seen_when_the_user_is_read_again(
    client: Client, ada: User, staff: User, settings: Settings, configure: Configure
) -> None:
    """The marks that middleware leaves are on the other object."""
    configure(AUTHENTICATE=lambda request: User.objects.get(pk=request.user.pk))
    hijack(client, settings, staff, ada)
    response = client.get(FETCH)
    assert (response.status_code, response.json()["code"]) == (403, "impersonated")


@pytest.mark.parametrize(
    "mark", ["hijack_history", "loginas_from_user", "staff_acting", "exit_users_pk"]
)
def test_impersonation_is_seen_without_middleware(
    client: Client, ada: User, settings: Settings, mark: str
) -> None:
    settings.LOGINAS_FROM_USER_SESSION_FLAG = "staff_acting"
    client.force_login(ada)
    session = client.session
    session[mark] = ["1"]
    session.save()
    assert client.get(FETCH).json()["code"] == "impersonated"


@isolate_apps("tests.accounts")
def test_a_key_that_django_writes_in_its_own_way(rf: RequestFactory) -> None:
    """`login()` keeps what the field of the primary key makes of it, and not its `str`."""

    class Visitor(AbstractBaseUser):
        since = models.DurationField(primary_key=True)

        class Meta:
            app_label = "accounts"

    request: Any = rf.get("/")
    request.session = SessionStore()
    visitor = Visitor(since=timedelta(hours=1))
    written = Visitor._meta.pk.value_to_string(visitor)
    assert written != str(visitor.pk)
    request.session.update({SESSION_KEY: written, "exit_users_pk": [["1", "path"]]})
    assert is_impersonated(visitor, request)
    assert not is_impersonated(Visitor(since=timedelta(hours=2)), request)
    token_user: Any = SimpleNamespace(pk=written)  # without a model, as in simplejwt
    assert is_impersonated(token_user, request)


def test_who_comes_with_a_header_is_not_impersonated_by_the_session(
    client: Client, ada: User, staff: User, settings: Settings, configure: Configure
) -> None:
    hijack(client, settings, staff, ada)
    configure(AUTHENTICATE=lambda request: staff)
    assert decode(token_of(client.get(FETCH)))["email"] == "root@example.com"


def test_a_policy_that_changes_the_address(ada: User, configure: Configure) -> None:
    """The address that is signed is the one that nobody else has."""

    def policy(user: User, request: HttpRequest) -> bool:
        user.email = "ceo@example.com"
        return True

    configure(ACCESS_POLICY=policy)
    with pytest.raises(ImproperlyConfigured, match="must not change the user's e-mail address"):
        check_access(ada)


def test_a_user_of_another_model(ada: User, configure: Configure) -> None:
    """Its key is another person's among the users whose addresses are compared."""
    twin = IndexedUser(pk=ada.pk, username="twin", email="ADA@example.com")
    with pytest.raises(ImproperlyConfigured, match="IndexedUser is not AUTH_USER_MODEL"):
        check_access(twin)
    configure(REQUIRE_UNIQUE_EMAIL=False)
    assert check_access(twin) is None


def test_an_impersonator_that_the_request_or_the_user_knows(
    ada: User, staff: User, configure: Configure, rf: RequestFactory
) -> None:
    configure(ALLOW_IMPERSONATION=True)
    request: Any = rf.get("/")
    request.impersonator = staff
    assert check_access(ada, request) == staff
    ada.is_impersonate, ada.impersonator = True, staff  # type: ignore[attr-defined]
    assert check_access(ada) == staff


def test_nobody_acts_for_somebody_who_is_here(ada: User, staff: User, rf: RequestFactory) -> None:
    request: Any = rf.get("/")
    request.session = {"hijack_history": [str(staff.pk)]}
    assert check_access(ada, request) is None


def test_a_request_with_an_impersonator_is_enough(
    ada: User, staff: User, rf: RequestFactory
) -> None:
    request: Any = rf.get("/")
    request.impersonator = staff
    with pytest.raises(AccessRefused) as caught:
        check_access(ada, request)
    assert caught.value.code == "impersonated"


@pytest.mark.parametrize("mark", ["is_hijacked", "is_impersonate"])
def test_impersonation_is_seen_without_a_request(ada: User, mark: str) -> None:
    setattr(ada, mark, True)
    assert code_of(ada) == "impersonated"
