"""Reasons why a user does not get a token."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from django_metabase_sso.policies import deny_emails
from tests.faults.entry import Fault, keys, metabase, steps, without
from tests.faults.tools import ANSWER, DATABASE, EXPLAIN, USER
from tests.faults.working import Working

TRUST = keys(ACCESS_POLICY="django_metabase_sso.policies.trust_emails")


def person(**values: Any) -> Any:
    """Return a function that changes the user's row."""

    def change(working: Working, *printed: str) -> None:
        User.objects.filter(pk=working.user.pk).update(**values)

    return change


def share(working: Working) -> None:
    User.objects.create_user("other", "ADA@example.com")


def share_no_more(working: Working, printed: str) -> None:
    User.objects.filter(username="other").update(email="other@example.com")


def hijack(working: Working) -> None:
    session = SessionStore(working.session)
    staff = User.objects.create_user("staff", "staff@example.com", is_staff=True)
    session["hijack_history"] = [str(staff.pk)]
    session.save()


def not_these(user: Any, request: HttpRequest | None) -> bool:
    raise PermissionDenied("Ask the sales team for access.")


def break_on(user: Any, request: HttpRequest | None) -> Any:
    return {"Region": "north"}["region"]


def many_groups(user: Any, request: HttpRequest | None) -> list[str]:
    return [f"Customers of region number {number}" for number in range(200)]


PEOPLE = [
    Fault(
        "the user has no e-mail address",
        person(email=""),
        {EXPLAIN: "no-email", ANSWER: "no-email"},
        person(email="ada@example.com"),
    ),
    Fault(
        "the user's e-mail address contains an umlaut",
        person(email="ädä@example.com"),
        {EXPLAIN: "invalid-email", ANSWER: "invalid-email"},
        person(email="ada@example.com"),
    ),
    Fault(
        "two users have the same e-mail address",
        share,
        {DATABASE: "W027", EXPLAIN: "shared-email", ANSWER: "shared-email"},
        share_no_more,
    ),
    Fault(
        "the user is inactive",
        person(is_active=False),
        {EXPLAIN: "inactive"},
        person(is_active=True),
    ),
    Fault(
        "`ACCESS_POLICY` refuses the user",
        keys(ACCESS_POLICY=deny_emails("*@example.com")),
        {EXPLAIN: "policy", ANSWER: "policy"},
        TRUST,
    ),
    Fault(
        "`ACCESS_POLICY` refuses the user and gives a reason",
        keys(ACCESS_POLICY=not_these),
        {EXPLAIN: "policy", ANSWER: "policy"},
        TRUST,
    ),
    Fault(
        "`ACCESS_POLICY` raises an exception",
        keys(ACCESS_POLICY=break_on),
        {EXPLAIN: "error", USER: "exchange"},
        TRUST,
    ),
    Fault(
        "`USER_ATTRIBUTES` raises an exception",
        keys(USER_ATTRIBUTES=break_on),
        {EXPLAIN: "error", USER: "exchange"},
        without("USER_ATTRIBUTES"),
    ),
    Fault(
        "`USER_ATTRIBUTES` returns a list as a value",
        keys(USER_ATTRIBUTES=lambda user, request: {"regions": ["north"]}),
        {EXPLAIN: "invalid-claim"},
        keys(USER_ATTRIBUTES=lambda user, request: {"regions": "north"}),
    ),
    Fault(
        "`GROUP_MAPPING` returns a string",
        keys(GROUP_MAPPING=lambda user, request: "Support"),
        {EXPLAIN: "invalid-claim"},
        keys(GROUP_MAPPING=lambda user, request: ["Support"]),
    ),
    Fault(
        "`TENANT` returns `None`",
        keys(TENANT=lambda user, request: None),
        {EXPLAIN: "no-tenant", ANSWER: "no-tenant"},
        without("TENANT"),
    ),
    Fault(
        "`TENANT` returns a name instead of a slug",
        steps(keys(TENANT=lambda user, request: "Acme Ltd."), metabase(use_tenants=True)),
        {USER: "exchange"},
        keys(TENANT=lambda user, request: "acme"),
    ),
    Fault(
        "the user has so many groups that a redirect is too long",
        keys(GROUP_MAPPING=many_groups),
        {EXPLAIN: "token-too-large"},
        without("GROUP_MAPPING"),
        is_seen=False,
    ),
    Fault(
        "a member of staff acts as the user",
        hijack,
        {ANSWER: "impersonated"},
        keys(ALLOW_IMPERSONATION=True),
    ),
    Fault(
        "`AUTHENTICATE` returns `AnonymousUser()` for a request with a session",
        keys(AUTHENTICATE=lambda request: AnonymousUser()),
        {ANSWER: "nobody"},
        without("AUTHENTICATE"),
    ),
]
