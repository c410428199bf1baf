"""The pages on access and on bearer tokens, held against the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils.module_loading import import_string

from django_metabase_sso.access import check_access
from django_metabase_sso.exceptions import AccessRefused
from tests.helpers.configure import Configure
from tests.helpers.findings import messages
from tests.helpers.markdown import blocks
from tests.helpers.modules import find_module
from tests.helpers.paths import ROOT

PAGES = [ROOT / "docs/access.md", ROOT / "docs/bearer-tokens.md"]
SETTINGS = [code for page in PAGES for code in blocks("python", page.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_and_links(page: Path) -> None:
    text = page.read_text()
    # A module comes before what is in it: an attribute of its package only once it is imported.
    for name in sorted(set(re.findall(r"\bdjango_metabase_sso(?:\.\w+){2,}", text))):
        assert find_module(name) or import_string(name)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert page.parent.joinpath(link.partition("#")[0]).is_file()


@pytest.mark.parametrize(
    # Ninja's names a class of the reader's: tests/contrib/test_ninja.py.
    "code",
    [code for code in SETTINGS if "METABASE_SSO[" in code and "contrib.ninja" not in code],
)
def test_settings(configure: Configure, code: str) -> None:
    names: dict[str, Any] = {"METABASE_SSO": {}}
    exec(code, names)
    configure(**names["METABASE_SSO"])
    assert messages() == {}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("require_contract", {"email": "ada@customer.example"}),
        ("require_staff", {"is_staff": True}),
    ],
)
def test_policies(ada: User, configure: Configure, name: str, change: dict[str, Any]) -> None:
    [code] = [code for code in SETTINGS if f"def {name}(" in code]
    names: dict[str, Any] = {}
    exec(code, names)
    configure(ACCESS_POLICY=names[name])
    with pytest.raises(AccessRefused, match="policy"):
        check_access(ada)
    User.objects.filter(pk=ada.pk).update(**change)
    check_access(User.objects.get(pk=ada.pk))


def test_sharers_who_are_set_aside(ada: User, configure: Configure) -> None:
    [code] = [code for code in SETTINGS if "@counting_sharers" in code]
    names: dict[str, Any] = {}
    exec(code, names)
    configure(ACCESS_POLICY=names["require_staff"])
    ada.is_staff = True
    ada.save()
    eve = User.objects.create_user("eve", "ADA@example.com")
    check_access(ada)
    eve.is_staff = True
    eve.save()
    with pytest.raises(AccessRefused, match="shared-email"):
        check_access(ada)


def test_the_answer_that_is_shown() -> None:
    [code] = blocks("json", PAGES[1].read_text())
    assert list(json.loads(code)) == ["status", "code", "message"]
