"""Blocks of Python in the pages run, and do what the pages say."""

from __future__ import annotations

import ast
import json
import logging
import logging.config
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from django_metabase_sso.access import check_access
from django_metabase_sso.conf.readers import CLAIM_NAMES
from django_metabase_sso.exceptions import AccessRefused
from example_project.standin.directory import ALL_USERS
from example_project.standin.groups import Sync, synced
from example_project.standin.tokens import MAX_AGE
from tests.helpers.configure import Configure
from tests.helpers.findings import messages
from tests.helpers.markdown import PAGES, Page, block, blocks, names, page, table
from tests.helpers.paths import ROOT
from tests.helpers.sso import FETCH
from tests.helpers.tokens import decode, token_of


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_compiles(page: Page) -> None:
    for language, code in page.blocks:
        if language == "python":
            compile(code, page.name, "exec")


def run(words: str) -> dict[str, Any]:
    """Run the block that has these words; return its names."""
    found: dict[str, Any] = {"METABASE_SSO": {}}
    exec(block("python", words), found)
    return found


# Who may


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("require_contract", {"email": "ada@customer.example"}),
        ("require_staff", {"is_staff": True}),
    ],
)
def test_policies(ada: User, configure: Configure, name: str, change: dict[str, Any]) -> None:
    configure(ACCESS_POLICY=run(f"def {name}(")[name])
    with pytest.raises(AccessRefused, match="policy"):
        check_access(ada)
    User.objects.filter(pk=ada.pk).update(**change)
    check_access(User.objects.get(pk=ada.pk))


def test_sharers_who_are_set_aside(ada: User, configure: Configure) -> None:
    configure(ACCESS_POLICY=run("@counting_sharers")["require_staff"])
    ada.is_staff = True
    ada.save()
    eve = User.objects.create_user("eve", "ADA@example.com")
    check_access(ada)
    eve.is_staff = True
    eve.save()
    with pytest.raises(AccessRefused, match="shared-email"):
        check_access(ada)


# Groups, attributes, tenants


def test_group_mapping(signed_in: Client, ada: User, configure: Configure) -> None:
    configure(**run('GROUP_MAPPING"] = {')["METABASE_SSO"])
    assert decode(token_of(signed_in.get(FETCH)))["groups"] == []
    for name in ("sales", "support", "warehouse"):
        ada.groups.create(name=name)
    sent = decode(token_of(signed_in.get(FETCH)))
    assert sorted(sent["groups"]) == ["Everybody", "Sales", "Support"]
    assert not messages()


BEFORE = {"Administrators", "Analysts", "Finance"}
SENT = {"no list": None, '`["Analysts"]`': ["Analysts"], "`[]`": []}


@pytest.mark.parametrize("row", table('`["Analysts"]`'), ids=lambda row: row[0])
def test_what_a_list_of_groups_does(row: list[str]) -> None:
    claim, automatic, manual = row
    for cell, mapping in ((automatic, {}), (manual, {"Analysts": ["Analysts"]})):
        after, _ = synced(SENT[claim], Sync(mapping=mapping), current=BEFORE, known=BEFORE)
        assert after - {ALL_USERS} == set(cell.split(", ")) - {"none"}


# Elsewhere


def test_token_for_a_user(ada: Any, configure: Configure) -> None:
    metabase_token_for = run("def metabase_token_for")["metabase_token_for"]
    assert decode(metabase_token_for(ada))["email"] == "ada@example.com"
    configure(ACCESS_POLICY=lambda user, request: False)
    assert metabase_token_for(ada) == "policy"


def test_own_view(signed_in: Client, settings: Settings) -> None:
    found = run("class RegionView")
    settings.ROOT_URLCONF = type("urls", (), found)
    assert decode(token_of(signed_in.get(FETCH)))["region"] == "north"


@pytest.mark.parametrize("origin", ["*", "null", "https://*.github.io"])
def test_origins_that_let_anybody_in(configure: Configure, origin: str) -> None:
    assert origin in page("docs/separate-domains.md").spans
    configure(ALLOWED_ORIGINS=[origin])
    assert "E012" in messages()


def test_the_refusal_that_is_shown(client: Client) -> None:
    [code] = blocks("json")
    assert list(json.loads(code)) == list(client.get(FETCH).json())


def test_logging(
    signed_in: Client, ada: User, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("django_metabase_sso")
    before = logger.handlers, logger.propagate
    configure(ACCESS_POLICY=lambda user, request: False)
    try:
        logging.config.dictConfig(run("LOGGING = {")["LOGGING"])
        signed_in.get(FETCH)
        signed_in.get(FETCH, headers={"Origin": "https://evil.example"})
    finally:
        logger.handlers, logger.propagate = before
    printed = capsys.readouterr().err
    assert f" WARNING policy user={ada.pk} No Metabase token for user" in printed
    assert " WARNING origin-not-allowed user=None The origin" in printed


def test_the_sheet_for_assistants(signed_in: Client) -> None:
    """Its claims and times are those of a token."""
    sheet = {row[0].strip("`"): row[1] for row in table("claims", "`@tenant`")}
    known = [name for name in names(sheet["claims"]) if re.fullmatch(r"[\w@.]+", name)]
    assert set(known) == set(CLAIM_NAMES.values())
    sent = decode(token_of(signed_in.get(FETCH)))
    assert f"({sent['exp'] - sent['iat']} s)" in sheet["exp"]
    assert "nbf" not in sent
    for text in (sheet["age"], page("docs/security.md").text):
        assert f"{MAX_AGE} s" in text


def sentences() -> list[str]:
    """Return what the doctor and the commands print, as regular expressions."""
    found = []
    for path in (ROOT / "django_metabase_sso").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [getattr(part, "value", "") for part in node.values]
                texts = [re.escape(part) if isinstance(part, str) else ".+" for part in parts]
                found.append("".join(texts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(re.escape(node.value).replace(r"\{host\}", ".+"))
    return [text for text in found if len(text.replace(".+", "")) > 15]


def test_the_output_of_the_doctor_that_is_shown() -> None:
    [shown] = [code for code in blocks("console") if "doctor --origin" in code and "ok " in code]
    known = sentences()
    lines = shown.splitlines()[1:-1]
    assert len(lines) > 10
    for line in lines:
        text = re.sub(r"^(ok|warning|fault|skipped) +|^ +(note|cause|do): ", "", line)
        has_more = line.startswith(" ")  # a cause or a cure can have a second sentence
        match = re.match if has_more else re.fullmatch
        assert any(match(sentence, text) for sentence in known), line
