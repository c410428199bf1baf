"""The attributes of Metabase's web components."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Any, get_args

import pytest
from django.utils.translation import gettext_lazy

from django_metabase_sso.exceptions import InvalidEmbed
from django_metabase_sso.values.components import (
    COMPONENTS,
    WRITTEN,
    Guests,
    Type,
    check_options,
    options_of,
)


class Layout(Enum):
    SIDEBAR = "sidebar"


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_table(component: str) -> None:
    for name, attribute in COMPONENTS[component].items():
        assert name == name.lower()
        assert "_" not in name
        assert attribute.type in get_args(Type)
        assert attribute.guests in get_args(Guests)
        assert 56 <= attribute.since <= 65
    has_guests = component in ("metabase-dashboard", "metabase-question")
    assert bool(options_of(component, guests=True)) is has_guests


GOOD: list[tuple[str, str, Any]] = [
    ("metabase-dashboard", "with_title", False),
    ("metabase-dashboard", "with_title", "true"),
    ("metabase-dashboard", "with_title", None),
    ("metabase-dashboard", "auto_refresh_interval", 60),
    ("metabase-dashboard", "auto_refresh_interval", Decimal("1.5")),
    ("metabase-dashboard", "auto_refresh_interval", "60"),
    ("metabase-dashboard", "initial_parameters", {"a": [1]}),
    ("metabase-dashboard", "initial_parameters", '{"a": 1}'),
    ("metabase-dashboard", "hidden_parameters", ("a", "b")),
    ("metabase-dashboard", "hidden_parameters", "['a']"),
    ("metabase-question", "target_collection", 7),
    ("metabase-question", "target_collection", "root"),
    ("metabase-metabot", "layout", Layout.SIDEBAR),
    ("metabase-metabot", "layout", gettext_lazy("sidebar")),
    *(("metabase-browser", option, "x") for option in ("class", "title", "data_a", "aria_label")),
]


@pytest.mark.parametrize(("component", "option", "value"), GOOD)
def test_options(component: str, option: str, value: Any) -> None:
    check_options(component, {option: value})


BAD: list[tuple[str, str, Any, str]] = [
    ("metabase-dashboard", "with_title", "False", "must be True or False, not 'False'"),
    ("metabase-dashboard", "with_title", "", "must be True or False, not ''"),
    ("metabase-dashboard", "with_title", 1, "must be True or False, not 1"),
    ("metabase-dashboard", "auto_refresh_interval", True, "must be a number, not True"),
    ("metabase-dashboard", "auto_refresh_interval", "a minute", "must be a number"),
    ("metabase-dashboard", "initial_parameters", "", "must be a dict, not ''"),
    ("metabase-dashboard", "initial_parameters", ["a"], "must be a dict"),
    ("metabase-dashboard", "hidden_parameters", "a", "must be a list, not 'a'"),
    ("metabase-question", "hidden_parameters", {"a"}, "must be a list"),
    (
        "metabase-question",
        "target_collection",
        "",
        "must be a number or a string that is not empty",
    ),
    ("metabase-question", "target_collection", True, "must be a number or a string"),
    ("metabase-browser", "initial_collection", [1], "must be a number or a string"),
    ("metabase-metabot", "layout", 7, "must be a string, not 7"),
    ("metabase-dashboard", "with_titel", True, "Did you mean 'with_title'"),
    ("metabase-dashboard", "with_alerts", True, "Did you mean 'with_title'"),
    ("metabase-question", "with_alert", True, "Did you mean 'with_alerts'"),
    ("metabase-browser", "readonly", True, "Did you mean 'read_only'"),
    ("metabase-metabot", "xyz", 1, "Its options are is_save_enabled, layout, target_collection"),
    ("metabase-dashboard", "custom_context", "a", "has no effect in embeds for signed-in users"),
    *(
        ("metabase-question", name.replace("-", "_"), 1, "has no option")
        for name in sorted(WRITTEN)
    ),
]


@pytest.mark.parametrize(("component", "option", "value", "words"), BAD)
def test_what_a_component_does_not_take(
    component: str, option: str, value: Any, words: str
) -> None:
    with pytest.raises(InvalidEmbed, match=words) as raised:
        check_options(component, {"class": "a", option: value})
    assert option in str(raised.value)


def test_a_long_value_is_cut() -> None:
    with pytest.raises(InvalidEmbed) as raised:
        check_options("metabase-dashboard", {"with_title": "x" * 1000})
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("option", ["drills", "hidden_parameters", "with_subscriptions"])
def test_what_guest_embeds_do_not_have(option: str) -> None:
    check_options("metabase-dashboard", {option: None})
    with pytest.raises(InvalidEmbed, match="has no effect in guest embeds"):
        check_options("metabase-dashboard", {option: None}, guests=True)


def test_what_guest_embeds_have() -> None:
    options = {"custom_context": object(), "with_title": True, "parameters": {"a": 1}}
    check_options("metabase-dashboard", options, guests=True)
    with pytest.raises(InvalidEmbed, match=r"'param'\. Did you mean 'params'"):
        check_options("metabase-dashboard", {"param": {}}, "params", guests=True)
