"""The claims of single pages of docs/, held against the code."""

from __future__ import annotations

import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from pytest_django import Settings

from django_metabase_sso import claims
from django_metabase_sso.access import check_access
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.readers import CLAIM_NAMES
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.http.guest_body import GuestRequest
from django_metabase_sso.views import params_for
from example_project.standin.directory import ALL_USERS
from example_project.standin.groups import Sync, synced
from example_project.standin.tokens import MAX_AGE
from tests.helpers.configure import Configure
from tests.helpers.findings import messages
from tests.helpers.markdown import blocks, rows
from tests.helpers.sso import FETCH, NAVIGATION, URL
from tests.helpers.tokens import decode, token_of
from tests.settings import SECRET
from tests.test_docs_site import DOCS

SHEET = {
    row[0]: row[1] for row in rows(DOCS["assistants"], "| question | answer |") if len(row) == 2
}


def names_of(page: str, words: str, **given: Any) -> dict[str, Any]:
    """Run the block of a page that has these words; return its names."""
    [code] = [code for code in blocks("python", DOCS[page]) if words in code]
    names: dict[str, Any] = {"METABASE_SSO": {}, **given}
    exec(code, names)
    return names


# Quickstart

# Settings


def test_a_secret_that_is_kept_elsewhere(
    tmp_path: Path, configure: Configure, signed_in: Client
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    [code] = [code for code in blocks("python", DOCS["settings"]) if "metabase_secret" in code]
    names: dict[str, Any] = {"METABASE_SSO": {}}
    exec(code.replace("/run/secrets/metabase-jwt", str(file)), names)
    configure(**names["METABASE_SSO"])
    assert decode(token_of(signed_in.get(FETCH)))


@pytest.mark.parametrize("row", rows(DOCS["settings"], "| key | is called with | returns |"))
def test_arguments_of_the_callables(
    row: list[str], configure: Configure, signed_in: Client
) -> None:
    """Each is called with as many as the table says."""
    expected = 0 if row[1] == "nothing" else len(row[1].strip("`").split(", "))
    results: dict[str, object] = {
        "AUTHENTICATE": None,
        "ACCESS_POLICY": True,
        "TENANT": "acme",
        "USER_ATTRIBUTES": {},
    }
    seen = []

    def taking(key: str) -> Any:
        def answer(*arguments: object) -> Any:
            seen.append(len(arguments))
            return SECRET if key.endswith(("SECRET", "KEY")) else results.get(key)

        return answer

    for key in re.findall(r"`(\w+)`", row[0]):
        configure(**{key: taking(key)})
    if row[0] == "`TENANT_ATTRIBUTES`":
        configure(TENANT=lambda user, request: "acme")
    if row[0] == "`GUEST_PARAMS`":
        callback = conf.GUEST_PARAMS
        assert callback
        params_for(RequestFactory().get("/"), GuestRequest("dashboard", 10, None), callback)
    elif expected:
        signed_in.get(FETCH)
    else:
        assert conf.JWT_SHARED_SECRET
    assert set(seen) == {expected}


# Groups and rows

BEFORE = {"Administrators", "Analysts", "Finance"}


@pytest.mark.parametrize("row", rows(DOCS["groups-and-rows"], "| the token says | automatic"))
def test_the_trap(row: list[str]) -> None:
    claim = {"nothing": None, '`["Analysts"]`': ["Analysts"], "`[]`": []}[row[0]]
    for cell, mode in zip(row[1:], ("automatic", "manual"), strict=True):
        sync = Sync(mapping={"Analysts": ["Analysts"]} if mode == "manual" else {})
        after, _ = synced(claim, sync, current=BEFORE, known=BEFORE)
        assert after - {ALL_USERS} == set(cell.strip(" |").split(", ")) - {"none"}


def test_no_groups_and_no_claim(signed_in: Client, ada: User, configure: Configure) -> None:
    configure(**names_of("groups-and-rows", "def groups_for")["METABASE_SSO"])
    assert "groups" not in decode(token_of(signed_in.get(FETCH)))
    ada.groups.create(name="Analysts")
    assert decode(token_of(signed_in.get(FETCH)))["groups"] == ["Analysts"]


def test_rows_by_region(ada: Any, configure: Configure) -> None:
    configure(**names_of("groups-and-rows", "def region_of")["METABASE_SSO"])
    ada.region = "north"
    check_access(ada)
    assert claims.build(ada)["region"] == "north"
    ada.region = ""
    with pytest.raises(AccessRefused, match="policy"):
        check_access(ada)
    assert not messages()


# Tenants


@pytest.mark.parametrize(
    ("tenant", "answer"),
    [("acme", "that text"), (7, "that text"), (claims.INTERNAL, "no claim"), (None, "none: 403")],
)
def test_tenants(signed_in: Client, configure: Configure, tenant: object, answer: str) -> None:
    table = rows(DOCS["tenants"], "| `TENANT` returns | the token | in Metabase |")
    assert any(answer in row[1] for row in table)
    configure(TENANT=lambda user, request: tenant)
    response = signed_in.get(FETCH)
    if tenant is None:
        assert response.json()["code"] == "no-tenant"
        return
    expected = None if tenant is claims.INTERNAL else str(tenant)
    assert decode(token_of(response)).get("@tenant") == expected


def test_the_callables_of_tenants(ada: Any, configure: Configure) -> None:
    configure(**names_of("tenants", "def tenant_attributes_for")["METABASE_SSO"])
    ada.profile = SimpleNamespace(tenant_slug="acme", plan="large")
    built = claims.build(ada)
    assert (built["@tenant"], built["@tenant.attributes"]) == ("acme", {"plan": "large"})
    ada.is_staff = True
    assert "@tenant" not in claims.build(ada)


# Separate domains


@pytest.mark.parametrize("origin", ["*", "null", "https://*.github.io"])
def test_origins_that_let_anybody_in(configure: Configure, origin: str) -> None:
    assert f"`{origin}`" in DOCS["separate-domains"]
    configure(ALLOWED_ORIGINS=[origin])
    assert "E012" in messages()


# The sheet for assistants


def test_the_sheet_is_whole() -> None:
    for words in ("URL", "method", "algorithm", "claims", "exp", "groups", "CORS", "CSRF"):
        assert any(words in question for question in SHEET)
    assert set(re.findall(r"`([\w@.]+)`", SHEET["claims"])) == set(CLAIM_NAMES.values())


def test_the_method_and_the_answers(signed_in: Client, configure: Configure) -> None:
    for method in ("post", "put", "patch", "delete"):
        assert getattr(signed_in, method)(URL).status_code == 405
    assert list(signed_in.get(f"{URL}/?response=json").json()) == ["jwt"]
    answer = signed_in.get(FETCH, headers={"Accept": "*/*"})
    assert answer["Content-Type"] == "application/json"
    assert "no-store" in answer["Cache-Control"]
    moved = signed_in.get(f"{URL}?return_to=/dashboard/1", headers=NAVIGATION)
    assert re.search(r"/auth/sso\?.*\bjwt=.*&return_to=/dashboard/1$", moved["Location"])
    assert Client().get(FETCH).status_code == 401
    configure(ACCESS_POLICY=lambda user, request: False)
    refused = signed_in.get(FETCH)
    assert refused.status_code == 403
    assert list(refused.json()) == ["status", "code", "message"]


def test_the_times(signed_in: Client) -> None:
    decoded = decode(token_of(signed_in.get(FETCH)))
    assert "(600 s)" in SHEET["`exp`"]
    assert decoded["exp"] - decoded["iat"] == 600
    assert "nbf" not in decoded
    assert decoded["iat"] <= time.time()
    assert f"{MAX_AGE} s" in SHEET["age"]
    assert f"{MAX_AGE} s" in DOCS["security"]


def test_csrf(ada: User, settings: Settings) -> None:
    assert "nothing to exempt" in SHEET["CSRF"]
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.get(FETCH).status_code == 200
