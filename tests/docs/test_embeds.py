"""The templates and the functions of the pages about embeds do what these say."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.template import Context, Template
from django.test import Client, RequestFactory
from pytest_django import Settings

from django_metabase_sso import embeds
from django_metabase_sso.checks import pages
from django_metabase_sso.csp import csp_sources
from django_metabase_sso.tokens import ALL_ROWS
from tests.helpers.configure import Configure
from tests.helpers.guests import BODY, post
from tests.helpers.html import Reader
from tests.helpers.markdown import block, blocks
from tests.helpers.tokens import claims_of
from tests.settings import EMBEDDING_SECRET

ASKING = block("html+django", "metabase_access")


class Page(Reader):
    """A whole page, with text."""

    def handle_data(self, data: str) -> None:
        """Text may stand between the embeds."""


@pytest.mark.parametrize("code", [code for code in blocks("html+django") if code != ASKING])
def test_templates(configure: Configure, code: str) -> None:
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, GUEST_PARAMS=dict)
    request = RequestFactory().get("/")
    context = {"request": request, "params": {"a": "b"}, "theme": {"b": 1}, "context": "c"}
    found = Page(Template(code).render(Context(context))).found
    elements = [name for name, _ in found if "metabase-" in name or name == "iframe"]
    tags = re.findall(r"\{% (metabase_\w+)", code)
    assert len(elements) == len([tag for tag in tags if tag != "metabase_config"])


@pytest.mark.django_db
def test_asking_first(configure: Configure, ada: User) -> None:
    request = RequestFactory().get("/")
    for user, words in ((AnonymousUser(), "Sign in"), (ada, "<metabase-dashboard")):
        request.user = user
        assert words in Template(ASKING).render(Context({"request": request}))
    configure(ACCESS_POLICY=lambda user, request: False)
    html = Template(ASKING).render(Context({"request": request}))
    assert "<p>Your account is not allowed to sign in to Metabase.</p>" in html


def test_jinja() -> None:
    [code] = blocks("jinja")
    functions = re.findall(r"\bembeds\.(\w+)\(", code)
    assert functions
    assert all(callable(getattr(embeds, name)) for name in functions)
    environment = block("python", "env.globals").replace("from jinja2 import Environment", "")
    exec(environment, {})


@pytest.mark.parametrize("setting", ["SECURE_CSP", "CONTENT_SECURITY_POLICY"])
def test_the_policy(settings: Settings, setting: str) -> None:
    found: dict[str, Any] = {"INSTALLED_APPS": [], "MIDDLEWARE": []}
    found["METABASE_SSO"] = settings.METABASE_SSO
    exec(block("python", f"{setting} = "), found)
    policy = found[setting].get("DIRECTIVES", found[setting])
    assert policy == {"default-src": ["'self'"], **csp_sources()}
    assert found["MIDDLEWARE"] == [pages.POLICIES[setting]]


def run(words: str) -> dict[str, Any]:
    """Run the block that has these words; return its names."""
    found: dict[str, Any] = {}
    exec(block("python", words), found)
    return found


@pytest.mark.django_db
def test_params_by_rights() -> None:
    params_for = run("def params_for")["params_for"]
    staff = User.objects.create_user("staff", is_staff=True)
    assert params_for(staff) == {"customer": ALL_ROWS}
    group = Group.objects.create(name="a")
    customer = User.objects.create_user("customer")
    customer.groups.add(group)
    assert list(params_for(customer)["customer"]) == [group]


def test_guest_params(configure: Configure, signed_in: Client, ada: User) -> None:
    guest_params = run("def guest_params")["guest_params"]
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, GUEST_PARAMS=guest_params)
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
