"""Guest parameters, HTML elements and policies, of any values."""

from __future__ import annotations

import json
from typing import Any

from django.utils import timezone
from django.utils.safestring import mark_safe
from hypothesis import example, given
from hypothesis import strategies as st

from django_metabase_sso.csp import FALLBACKS, blocked_directives, csp_sources
from django_metabase_sso.exceptions import InvalidParameter
from django_metabase_sso.tokens import ALL_ROWS, guest_token
from django_metabase_sso.values.elements import attribute_name, element, text_of
from django_metabase_sso.values.parameters import clean_parameters
from example_project.standin.tokens import verify
from tests.helpers.html import read
from tests.properties.people import site
from tests.properties.values import good, hashable, mappings, mostly, names, scalars, values
from tests.settings import EMBEDDING_SECRET

SITE = site({"EMBEDDING_SECRET_KEY": EMBEDDING_SECRET})

lists = mostly(st.lists(good, min_size=1, max_size=3), st.lists(scalars) | st.sets(hashable))
params = mostly(
    st.dictionaries(names, good | lists | st.just(ALL_ROWS), max_size=3),
    st.dictionaries(names, values | lists, max_size=3) | mappings,
)


@example({"region": ["north"], "all": ALL_ROWS}, "UTC")
@example({"region": None}, "UTC")
@given(params, st.sampled_from(["UTC", "Pacific/Kiritimati", "America/New_York"]))
def test_guest_parameters_filter_or_are_refused(params: Any, zone: str) -> None:
    with timezone.override(zone):
        try:
            cleaned = clean_parameters(params)
        except InvalidParameter as named:
            str(named).encode()  # it can be logged
            return
        token = guest_token("dashboard", 1, params)
    received = verify(token, EMBEDDING_SECRET, now=0)["params"]
    assert received == cleaned
    assert received.keys() == params.keys()
    for name, value in received.items():
        if params[name] is ALL_ROWS:
            assert value == []
        else:
            assert_filters(value)


def assert_filters(value: Any) -> None:
    """Assert that a value is not one that switches a filter off."""
    entries = value if isinstance(value, list) else [value]
    assert entries
    for entry in entries:
        assert isinstance(entry, (str, int, float))
        assert str(entry).strip()


options = st.from_regex(r"(?!on)[a-z][a-z0-9]{0,5}(_[a-z0-9]{1,5}){0,2}", fullmatch=True)
hostile = st.text(st.sampled_from("\"'<>&=/`;- \n\0#x27ampltgquo"))
texts = st.text() | hostile | hostile.map(mark_safe)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@example({"a": 1, "b": [1], "c": {}, "d": None})
@given(st.dictionaries(options, documents, max_size=4))
def test_elements_hold_their_values(attributes: dict[str, Any]) -> None:
    given = {name: value for name, value in attributes.items() if value is not None}
    tag, found = read(element("metabase-dashboard", attributes))
    assert tag == "metabase-dashboard"
    assert found == {attribute_name(name): text_of(name, value) for name, value in given.items()}
    for name, value in given.items():
        if isinstance(value, (list, dict)):
            assert json.loads(found[attribute_name(name)] or "") == value


sources = st.sampled_from(
    "'self' 'none' * https: http: data: https://metabase.example.com *.example.com".split()
    + "metabase.example.com:443 https://* 'nonce-a' https://[::1]:* http://localhost:*/a".split()
)
parts = sources | st.text(max_size=5) | st.integers() | st.none() | st.binary(max_size=2)
policies = st.dictionaries(
    st.sampled_from(sorted({name for names in FALLBACKS.values() for name in names})) | st.text(),
    parts | st.lists(parts) | st.lists(sources).map(" ".join) | st.sets(parts),
)
urls = st.sampled_from(
    ["https://metabase.example.com", "http://localhost:3000", "http://127.0.0.1"]
)


@given(policies, urls | st.text(), st.booleans())
def test_policies_are_read(policy: dict[str, Any], origin: str, is_self: bool) -> None:
    found = blocked_directives(policy, origin, is_self=is_self)
    assert [name for name in FALLBACKS if name in found] == found


@given(policies, urls)
def test_policies_with_our_sources_block_nothing(policy: dict[str, Any], url: str) -> None:
    plain = {name: value for name, value in policy.items() if name != "script-src-elem"}
    assert blocked_directives({**plain, **csp_sources(url, full_app=True)}, url) == []
