"""Faults in pages that embed Metabase."""

from __future__ import annotations

from typing import Any

from tests.faults.entry import Fault, django, keys, steps, template
from tests.faults.tools import CHECK, METABASE, PAGE
from tests.faults.working import COMPONENT, LOAD
from tests.settings import EMBEDDING_SECRET, TEMPLATES

GUESTS = keys(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET)
WORKS = template(COMPONENT)


def page(tags: str) -> Any:
    return template(f"{LOAD}{{% metabase_config %}}{tags}")


def guest_page(number: int, params: str) -> Any:
    """Return a page with a guest embed. Dashboard 10 has the locked filter `region`."""
    start = f"{LOAD}{{% metabase_config guest=True %}}"
    return template(f"{start}{{% metabase_guest_dashboard {number} {params} %}}")


def guests(number: int, params: str) -> Any:
    return steps(GUESTS, guest_page(number, params))


def processors(*names: str) -> Any:
    engine: Any = TEMPLATES[0]
    options = {**engine["OPTIONS"], "context_processors": list(names)}
    return django(TEMPLATES=[{**engine, "OPTIONS": options}])


PAGES = [
    Fault(
        "`{% metabase_config %}` is not on the page",
        template(f"{LOAD}{{% metabase_dashboard 1 %}}"),
        {PAGE: "notice"},
        WORKS,
        is_seen=False,
    ),
    Fault(
        "an option of a tag is mistyped",
        page("{% metabase_dashboard 1 with_titel=False %}"),
        {PAGE: "InvalidEmbed"},
        WORKS,
        is_seen=False,
    ),
    Fault(
        "a full-app frame does not have a title",
        page('{% metabase_iframe "/dashboard/1" %}'),
        {PAGE: "InvalidEmbed"},
        WORKS,
        is_seen=False,
    ),
    Fault(
        "a full-app frame has a URL of another site",
        page('{% metabase_iframe "https://evil.example/" title="Sales" %}'),
        {PAGE: "InvalidEmbed"},
        WORKS,
        is_seen=False,
    ),
    Fault(
        "a guest embed is used without `EMBEDDING_SECRET_KEY`",
        guest_page(11, "params=nothing"),
        {PAGE: "BadSetting"},
        GUESTS,
        is_seen=False,
    ),
    Fault(
        "a guest embed has neither `params` nor `GUEST_PARAMS`",
        guests(10, ""),
        {PAGE: "InvalidEmbed"},
        WORKS,
        is_seen=False,
    ),
    Fault(
        "a template with a guest embed does not have the request",
        steps(GUESTS, processors()),
        {CHECK: "W022"},
        processors("django.template.context_processors.request"),
        is_seen=False,
    ),
    Fault(
        "a guest token does not have a value for a locked parameter",
        guests(10, "params=nothing"),
        {METABASE: "You must specify a value for ..."},
        guests(11, "params=nothing"),
        is_seen=False,
    ),
    Fault(
        "a guest token has a parameter that the dashboard does not have",
        guests(11, "params=region"),
        {METABASE: "Unknown parameter ..."},
        guests(10, "params=region"),
        is_seen=False,
    ),
    Fault(
        "the dashboard is not published for guests",
        guests(12, "params=nothing"),
        {METABASE: "Embedding is not enabled for this object. ..."},
        guests(11, "params=nothing"),
        is_seen=False,
    ),
]
