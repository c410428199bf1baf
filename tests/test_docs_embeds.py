"""What the documentation says of embeds, held against the code."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import PermissionDenied
from django.template import Context, Template
from django.test import Client, RequestFactory
from pytest_django import Settings

from django_metabase_sso import embeds
from django_metabase_sso.checks import pages as page_checks
from django_metabase_sso.csp import DIRECTIVES, csp_sources
from django_metabase_sso.http import guest_body
from django_metabase_sso.templatetags import metabase
from django_metabase_sso.tokens import ALL_ROWS
from django_metabase_sso.values.components import COMPONENTS, GLOBAL, WRITTEN
from django_metabase_sso.views import GuestTokenView
from tests.helpers.configure import Configure
from tests.helpers.guests import BODY, URL, post
from tests.helpers.html import Reader
from tests.helpers.markdown import README, blocks, rows
from tests.helpers.paths import ROOT
from tests.helpers.tokens import claims_of
from tests.settings import EMBEDDING_SECRET

TEMPLATES = (ROOT / "docs/templates.md").read_text()
GUESTS = (ROOT / "docs/guest-embeds.md").read_text()
FRAMES = TEMPLATES.partition("## The whole of Metabase")[2].partition("\n## ")[0]
STATIC = GUESTS.partition("## Older instances")[2]


def documented(text: str, before: str) -> set[str]:
    """Return the names in the list that ends with some words."""
    return set(re.findall(r"`(\w+)`", re.split(r"[.;:]", text.partition(before)[0])[-1]))


def test_tags() -> None:
    table = rows(TEMPLATES, "| tag | what it makes |")
    assert {tag.strip("`") for tag, _, _ in table} == set(metabase.register.tags)
    for _, _, function in table:
        module, name = function.strip("`").split(".")
        assert callable(getattr(import_module(f"django_metabase_sso.{module}"), name))


VALUES = {
    "any": "anything that JSON can hold",
    "bool": "`True` or `False`",
    "dict": "dict",
    "id": "number or string",
    "list": "list",
    "number": "number",
    "text": "string",
}


def options_table() -> str:
    """Return the rows of the table of options: one for what components have in common."""
    found: dict[tuple[str, str, int, str], list[str]] = {}
    for component, attributes in COMPONENTS.items():
        for name, attribute in attributes.items():
            if name not in WRITTEN:
                value = VALUES[attribute.type]
                row = (name.replace("-", "_"), value, attribute.since, attribute.guests)
                found.setdefault(row, []).append(component.removeprefix("metabase-"))
    return "".join(
        f"| `{option}` | {', '.join(components)} | {value} | {since} | {guests} |\n"
        for (option, value, since, guests), components in sorted(found.items())
    )


def test_options_of_components() -> None:
    header = "| option | components | value | Metabase | guest embeds |\n|---|---|---|---|---|\n"
    assert TEMPLATES.partition(header)[2] == options_table()
    assert documented(TEMPLATES, " and names that begin with") == GLOBAL


def test_options_of_frames() -> None:
    assert documented(FRAMES, " are\n[Metabase's]") == embeds.INTERFACE
    assert documented(FRAMES, " are the frame's.") == embeds.FRAME
    assert documented(STATIC, " are Metabase's;") == embeds.APPEARANCE


def test_directives() -> None:
    table = rows(TEMPLATES, "| directive | for |")
    assert {name for names, _ in table for name in re.findall(r"`([a-z-]+)`", names)} == set(
        DIRECTIVES
    )


SNIPPETS = blocks(r"html\+django", TEMPLATES + GUESTS + README)
[ASKING] = [code for code in SNIPPETS if "metabase_access" in code]


@pytest.mark.parametrize("code", [code for code in SNIPPETS if code != ASKING])
def test_templates(configure: Configure, code: str) -> None:
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, GUEST_PARAMS=dict)
    request = RequestFactory().get("/")
    context = {"request": request, "params": {"a": "b"}, "theme": {"b": 1}, "context": "c"}
    html = Template(code).render(Context(context))
    elements = [(name, attrs) for name, attrs in Page(html).found if "metabase-" in name]
    frames = [attrs["src"] for name, attrs in Page(html).found if name == "iframe"]
    assert len(elements) + len(frames) == code.count("{% metabase_") - code.count(
        "metabase_config"
    )


@pytest.mark.django_db
def test_asking_first(configure: Configure, ada: User) -> None:
    request = RequestFactory().get("/")
    for user, words in ((AnonymousUser(), "Sign in"), (ada, "<metabase-dashboard")):
        request.user = user
        assert words in Template(ASKING).render(Context({"request": request}))
    configure(ACCESS_POLICY=lambda user, request: False)
    html = Template(ASKING).render(Context({"request": request}))
    assert "<p>Your account may not sign in to Metabase.</p>" in html


class Page(Reader):
    """A whole page, with text."""

    def handle_data(self, data: str) -> None:
        """Text may stand between the embeds."""


@pytest.mark.parametrize("code", blocks("python", TEMPLATES + GUESTS))
def test_python(code: str) -> None:
    compile(code, "docs", "exec")


def test_jinja() -> None:
    names = re.findall(r"(embeds)\.(\w+)\(", block_in("jinja", "config_html"))
    assert names
    for module, name in names:
        assert callable(getattr(import_module(f"django_metabase_sso.{module}"), name))
    compiled: dict[str, Any] = {}
    exec(block_in("python", "env.globals").replace("from jinja2 import Environment", ""), compiled)


def block_in(language: str, words: str) -> str:
    [found] = [code for code in blocks(language, TEMPLATES + GUESTS) if words in code]
    return found


@pytest.mark.parametrize("words", ["SECURE_CSP", "CONTENT_SECURITY_POLICY"])
def test_the_policy(settings: Settings, words: str) -> None:
    compiled: dict[str, Any] = {
        name: getattr(settings, name) for name in ("METABASE_SSO", "MIDDLEWARE", "INSTALLED_APPS")
    }
    before = len(settings.MIDDLEWARE)
    exec(block_in("python", words).replace("+= [", "= ["), compiled)
    policy = compiled[words].get("DIRECTIVES", compiled[words])
    assert policy == {"default-src": ["'self'"], **csp_sources()}
    assert compiled["MIDDLEWARE"] == [page_checks.POLICIES[words]]
    assert before == len(settings.MIDDLEWARE)


@pytest.mark.django_db
def test_params_by_rights() -> None:
    compiled: dict[str, Any] = {}
    exec(block_in("python", "ALL_ROWS"), compiled)
    staff = User.objects.create_user("staff", is_staff=True)
    assert compiled["params_for"](staff) == {"customer": ALL_ROWS}
    group = Group.objects.create(name="a")
    customer = User.objects.create_user("customer")
    customer.groups.add(group)
    assert list(compiled["params_for"](customer)["customer"]) == [group]


def test_guest_params(configure: Configure, signed_in: Client, ada: User) -> None:
    compiled: dict[str, Any] = {}
    exec(block_in("python", "ITEMS"), compiled)
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, GUEST_PARAMS=compiled["guest_params"])
    group = Group.objects.create(name="a")
    ada.groups.add(group)
    claims = claims_of(post(signed_in).json()["jwt"])
    assert claims["params"] == {"customer": [group.pk]}
    ada.groups.clear()
    assert post(signed_in).status_code == 403
    ada.groups.add(group)
    assert post(signed_in, {**BODY, "entityId": 11}).status_code == 403
    assert post(signed_in, {**BODY, "entityType": "question"}).status_code == 403
    assert post(signed_in, {**BODY, "entityType": "question", "entityId": 5}).status_code == 200
    assert post(Client()).status_code == 403


def test_the_answers_of_the_endpoint() -> None:
    source = "".join(inspect.getsource(source) for source in (GuestTokenView, guest_body))
    codes = {
        code
        for row in rows(GUESTS, "| answer | when |")
        for code in re.findall(r"`(\S+?)`", row[0])
    }
    codes.discard("{")
    used = set(re.findall(r'"((?:[a-z]+-)+[a-z]+)"', source)) - {"application-json"}
    assert codes == used
    assert URL in GUESTS


def test_a_refusal_as_documented(configure: Configure, client: Client, db: None) -> None:
    def refuse(*args: object) -> None:
        raise PermissionDenied("why")

    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, GUEST_PARAMS=refuse)
    assert post(client).json()["message"] == "why"
