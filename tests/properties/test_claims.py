"""Whatever users, groups and attributes hold: the token says it, or a named error says why not."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import example, given
from hypothesis import strategies as st

from django_metabase_sso import claims
from django_metabase_sso.doctor.explain import Row, explain
from django_metabase_sso.exceptions import AccessRefused, InvalidClaim
from django_metabase_sso.tokens import issue_token
from example_project.standin.tokens import verify
from tests.properties.people import site
from tests.properties.values import any_text, hashable, mappings, mostly, values
from tests.settings import SECRET


def of_user(name: str) -> Any:
    """Return a callable for METABASE_SSO that answers with what an example gave the user."""
    return lambda user, request: getattr(user, name)


CALLABLES = {"GROUP_MAPPING": "sent_groups", "USER_ATTRIBUTES": "sent_attributes"}
TENANTS = {"TENANT": "sent_tenant", "TENANT_ATTRIBUTES": "sent_tenant_attributes"}
SITE = site({key: of_user(name) for key, name in {**CALLABLES, **TENANTS}.items()})

emails = mostly(st.emails() | st.just("ada@example.com"), any_text | st.none())
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]))
people = st.builds(
    User,
    pk=st.just(1),
    email=emails,
    first_name=mostly(texts, any_text | st.none()),
    last_name=mostly(texts, any_text),
)
groups_sent = mostly(
    st.none() | st.lists(texts) | st.sets(texts),
    st.lists(values, max_size=3) | st.sets(hashable) | values,
)
tenants = mostly(st.sampled_from(["acme", 7, claims.INTERNAL]), values)


@example(User(email="ada@example.com"), ["Sales"], {"region": 1}, "acme", {"plan": "pro"})
@example(User(email="ada@example.com"), None, {"email": "eve@example.com"}, "acme", None)
@example(User(pk=1, email="ada@example.com"), None, {}, "acme", {})
@example(User(email=""), None, {}, "acme", None)
@given(people, groups_sent, mappings, tenants, st.none() | mappings)
def test_tokens_say_what_explain_says(
    user: Any, groups: Any, attributes: Any, tenant: Any, tenant_attributes: Any
) -> None:
    user.sent_groups, user.sent_attributes = groups, attributes
    user.sent_tenant, user.sent_tenant_attributes = tenant, tenant_attributes
    explanation = explain(user)
    if explanation.refusal is not None:
        with pytest.raises((InvalidClaim, AccessRefused)) as named:
            issue_token(user)
        str(named.value).encode()  # it can be logged
        return
    received = verify(issue_token(user), SECRET, now=0)
    lifetime = received.pop("exp") - received.pop("iat")
    assert lifetime == 600
    assert received["email"] == user.email.lower()
    assert_plain(received)
    if received.get("@tenant.attributes") == {}:  # does nothing, so nothing is said of it
        del received["@tenant.attributes"]
    assert received == told(explanation.rows)


def told(rows: list[Row]) -> dict[str, Any]:
    """Return the claims that an explanation speaks of."""
    said: dict[str, Any] = {}
    for row in rows:
        if row.effect == "group":
            said.setdefault(row.claim, []).append(row.value)
        elif row.effect == "removed from all groups":
            said[row.claim] = []
        elif row.effect == "tenant attribute":
            claim, _, name = row.claim.partition(": ")
            said.setdefault(claim, {})[name] = row.value
        elif row.effect not in ("time", "dropped", "left alone"):
            said[row.claim] = row.value
    return said


def assert_plain(said: dict[str, Any]) -> None:
    """Assert that there is nothing in the claims that Metabase would drop."""
    for name, value in said.items():
        if name == "groups":
            assert all(type(group) is str and group.strip() for group in value)
        elif name == "@tenant.attributes":
            assert_plain(value)
        else:
            assert type(value) is str
            assert value.strip()
