"""A page with five components, beside the same page as plain HTML."""

from __future__ import annotations

import statistics
import timeit
from typing import NamedTuple

PAGE = """{% load metabase %}<!DOCTYPE html><title>Sales</title>{% metabase_config %}
{% metabase_dashboard 1 with_title=False initial_parameters=params %}
{% metabase_question 7 %}{% metabase_question "new" %}
{% metabase_browser initial_collection="root" %}{% metabase_metabot %}"""
GUEST_PAGE = """{% load metabase %}<!DOCTYPE html><title>Sales</title>
{% metabase_config guest=True %}{% metabase_guest_dashboard 1 params=params %}
{% metabase_guest_question 2 params=params %}{% metabase_guest_question 3 params=params %}
{% metabase_guest_question 4 params=params %}{% metabase_guest_question 5 params=params %}"""
ROUNDS, NUMBER = 21, 200


class Row(NamedTuple):
    """Microseconds to render a page: with the tags, as plain HTML, and the difference."""

    name: str
    tags: float
    plain: float
    cost: float


def rows() -> list[Row]:
    """Measure both pages, tags and plain HTML in alternation."""
    return [
        _row("five web components", PAGE),
        _row("five guest embeds, each with a token", GUEST_PAGE),
    ]


def _row(name: str, text: str) -> Row:
    from django.template import Context, Template
    from django.test import RequestFactory
    from django.utils.safestring import SafeString

    request = RequestFactory().get("/")
    variables = {"request": request, "params": {"city": "Oslo"}}
    template = Template(text)
    html = template.render(Context(variables))
    assert "{%" not in html
    plain = Template(SafeString(html))
    pairs = [
        tuple(
            timeit.timeit(lambda page=page: page.render(Context(variables)), number=NUMBER)  # type: ignore[misc]
            / NUMBER
            * 1e6
            for page in (template, plain)
        )
        for _ in range(ROUNDS)
    ]
    tags, alone = (statistics.median(times) for times in zip(*pairs, strict=True))
    return Row(name, tags, alone, statistics.median(ours - its for ours, its in pairs))
