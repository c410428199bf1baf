"""What the documentation says, held against the code."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from django.apps import AppConfig
from django.conf import settings as django_settings
from django.http import HttpRequest
from django.test import Client
from django.utils.module_loading import import_string
from pytest_django import Settings

from django_metabase_sso.checks import users
from django_metabase_sso.conf.readers import CLAIM_NAMES, REQUIRED
from django_metabase_sso.conf.settings import DEFAULTS
from django_metabase_sso.exceptions import RefusalCode
from tests.helpers.configure import Configure
from tests.helpers.findings import marked_ids, messages, written_ids
from tests.helpers.markdown import README, block, blocks, rows
from tests.helpers.paths import ROOT
from tests.helpers.quickstart import QUICKSTART, follow_quickstart
from tests.helpers.sso import FETCH
from tests.helpers.tokens import decode, token_of

CHECKS = (ROOT / "docs/checks.md").read_text()
SETTINGS = (ROOT / "docs/settings.md").read_text()


def test_settings_table() -> None:
    names = {"timedelta": timedelta, "settings": django_settings}
    documented = {}
    for key, default, _ in rows(SETTINGS, "| key | default | meaning |"):
        value = REQUIRED if default == "required" else eval(default.strip("`"), names)
        documented[key.strip("`")] = value
    assert list(documented) == list(DEFAULTS)
    assert documented.pop("LOGIN_URL") == django_settings.LOGIN_URL
    assert documented == {key: value for key, value in DEFAULTS.items() if key != "LOGIN_URL"}


def test_claim_names_are_listed() -> None:
    row = next(row for row in rows(SETTINGS, "| key | default |") if row[0] == "`CLAIM_NAMES`")
    assert set(re.findall(r"`(\w+)`", row[2])) == set(CLAIM_NAMES)


def test_refusal_codes() -> None:
    paragraph = README.partition("The codes of a refusal:")[2].partition("\n\n")[0]
    elsewhere = {"not-authenticated", "invalid-credentials"}
    assert set(re.findall(r"`([a-z-]+)`", paragraph)) == set(get_args(RefusalCode)) - elsewhere
    for code in elsewhere:
        assert f"`{code}`" in README


def test_check_ids() -> None:
    documented = {row[0]: row[1] for row in rows(CHECKS, "| id | finding |")}
    assert set(documented) == {f"`metabase_sso.{check_id}`" for check_id in written_ids("**/*.py")}
    for word, mark in (("deploy", "deploy=True"), ("database", "Tags.database")):
        found = {row for row, text in documented.items() if text.startswith(f"*{word}:*")}
        assert found == {f"`metabase_sso.{check_id}`" for check_id in marked_ids(mark)}


PAGES = [ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        name, _, heading = link.partition("#")
        if name.startswith("https:"):
            continue
        target = page.parent / name if name else page
        assert target.is_file(), link
        assert not heading or heading in headings(target), link


def headings(page: Path) -> set[str]:
    """Return the anchors of a page, as GitHub makes them."""
    found = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in found}


def test_names_in_the_documentation_exist() -> None:
    text = README + CHECKS + (ROOT / "SECURITY.md").read_text()
    dotted = set(re.findall(r"\bdjango_metabase_sso(?:\.\w+){2,}", text))
    app = "django_metabase_sso.contrib.email_index"
    assert AppConfig.create(app).label == "metabase_sso_email_index"
    for name in dotted - {app}:
        assert import_string(name)
    for name in re.findall(r"`django_metabase_sso/(\w+\.html)`", README):
        assert (ROOT / "django_metabase_sso/templates/django_metabase_sso" / name).is_file()


def test_python_blocks_compile() -> None:
    for code in blocks("python") + blocks("python", CHECKS):
        compile(code, "README.md", "exec")


def test_the_index_in_the_documentation_is_that_of_the_hint(settings: Settings) -> None:
    stock, own, generated = blocks("python", CHECKS)
    app = re.findall(r'"([\w.]+)"', stock)[-1]
    assert f'"{app}"' in str(messages(deploy=True)["W012"].hint)
    settings.AUTH_USER_MODEL = "accounts.EmailUser"
    hint = str(messages(deploy=True)["W012"].hint)
    assert own.strip().replace("auth_user", "accounts_emailuser") in hint
    assert "".join(generated.split()).rstrip(")") in "".join(
        users.MARIADB_INDEX.format(name="email", table="").split()
    )


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    pages = README + (ROOT / "CONTRIBUTING.md").read_text()
    for target in set(re.findall(r"`make ([a-z-]+)`", pages)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_first_screen() -> None:
    first_screen = README.partition("## Contents")[0]
    for words in ("The risk", "make demo", "make test"):
        assert words in first_screen
    assert len(first_screen.splitlines()) < 40


def test_quickstart(tmp_path: Path) -> None:
    run = follow_quickstart(tmp_path)
    token = run("manage.py", "shell", "--verbosity=0", input=QUICKSTART).strip()
    assert decode(token)["email"] == "ada@example.com"


def test_group_mapping_and_callables(
    signed_in: Client, configure: Configure, settings: Settings
) -> None:
    class Profile:
        region = "north"
        customer_id = 7
        tenant_slug = "acme"

    def with_profile(request: HttpRequest) -> Any:
        request.user.profile = Profile()  # type: ignore[union-attr]
        return request.user

    names: dict[str, Any] = {"METABASE_SSO": {}}
    for words in ("GROUP_MAPPING", "def attributes_for", "def tenant_for"):
        exec(block("python", words), names)
    configure(
        AUTHENTICATE=with_profile,
        USER_ATTRIBUTES=names["attributes_for"],
        TENANT=names["tenant_for"],
        **names["METABASE_SSO"],
    )
    found = decode(token_of(signed_in.get(FETCH)))
    assert found["groups"] == []
    assert (found["region"], found["customer_id"]) == ("north", "7")
    assert found["@tenant"] == "acme"
    assert not messages()


def test_token_for_a_user(ada: Any, configure: Configure) -> None:
    names: dict[str, Any] = {}
    exec(block("python", "def metabase_token_for"), names)
    assert decode(names["metabase_token_for"](ada))["email"] == "ada@example.com"
    configure(ACCESS_POLICY=lambda user, request: False)
    assert names["metabase_token_for"](ada) == "policy"


def test_own_view(signed_in: Client, settings: Settings) -> None:
    class Urls:
        urlpatterns: list[Any]

    names: dict[str, Any] = {}
    exec(block("python", "class RegionView"), names)
    Urls.urlpatterns = names["urlpatterns"]
    settings.ROOT_URLCONF = Urls
    assert decode(token_of(signed_in.get(FETCH)))["region"] == "north"
