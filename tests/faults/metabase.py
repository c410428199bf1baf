"""Faults in Metabase's settings, and between Metabase and Django."""

from __future__ import annotations

from typing import Any

from django_metabase_sso import claims
from tests.faults.entry import Fault, keys, metabase, steps
from tests.faults.tools import DOCTOR, PAGE, USER
from tests.faults.working import KEY, Working
from tests.helpers.reports import APP
from tests.servers.canned import Canned, fake
from tests.settings import EMBEDDING_SECRET, SECRET

ORIGINS = f"{APP} https://www.example.com"
WITH_KEY = keys(API_KEY=KEY)


def instead(canned: Canned) -> Any:
    """Return a function that puts a server with this response in the place of Metabase."""

    def change(working: Working) -> None:
        answers = {
            f"{method} /{path}": canned
            for method in ("GET", "POST")
            for path in ("*", "auth/sso", "api/session/properties")
        }
        server = working.until_the_end.enter_context(fake(answers))
        working.configure(INSTANCE_URL=server.url)

    return change


def instance(working: Working, *printed: str) -> None:
    working.configure(INSTANCE_URL=working.metabase.url)


def moved(working: Working) -> None:
    """Make INSTANCE_URL the address of a server that redirects to Metabase."""
    instead(Canned(301, headers={"Location": f"{working.metabase.url}/"}))(working)


def site_url(working: Working, *printed: str) -> None:
    working.metabase.change(site_url=working.metabase.url)


def first_an_internal_user(working: Working) -> None:
    assert working.sign_in() == "signed in"
    working.metabase.change(use_tenants=True)
    working.configure(TENANT=lambda user, request: "acme")


def api_key(key: str) -> Any:
    return keys(API_KEY=key)


METABASE = [
    Fault(
        "Metabase is still starting",
        instead(Canned(503, "starting")),
        {DOCTOR: "instance", PAGE: "notice"},
        instance,
    ),
    Fault(
        "`INSTANCE_URL` is an old address that redirects",
        moved,
        {DOCTOR: "redirect", PAGE: "notice"},
        instance,
    ),
    Fault(
        "JWT sign-in is off in Metabase",
        metabase(jwt_enabled=False),
        {DOCTOR: "sso"},
        metabase(jwt_enabled=True),
    ),
    Fault(
        "the plan does not include JWT sign-in",
        metabase(is_licensed=False),
        {DOCTOR: "sso"},
        metabase(is_licensed=True),
    ),
    Fault(
        "SAML is on in Metabase, and JWT is not",
        metabase(saml_enabled=True, jwt_enabled=False),
        {DOCTOR: "method"},
        metabase(jwt_enabled=True, saml_enabled=False),
    ),
    Fault(
        "SAML is on in Metabase as well",
        metabase(saml_enabled=True),
        {DOCTOR: "method"},
        metabase(saml_enabled=False),
        is_seen=False,
    ),
    Fault(
        "modular embedding is off in Metabase",
        metabase(enable_embedding_modular=False),
        {DOCTOR: "embedding"},
        metabase(enable_embedding_modular=True),
    ),
    Fault(
        "Metabase's JWT signing key ends with a line break",
        metabase(jwt_shared_secret=f"{SECRET}\n"),
        {DOCTOR: "secret"},
        metabase(jwt_shared_secret=SECRET),
    ),
    Fault(
        "Metabase's clock is 10 minutes ahead",
        metabase(clock_skew=600),
        {DOCTOR: "clock"},
        metabase(clock_skew=0),
    ),
    Fault(
        "Metabase's clock is 10 minutes behind",
        metabase(clock_skew=-600),
        {DOCTOR: "clock"},
        metabase(clock_skew=0),
        is_seen=False,
    ),
    Fault(
        "Metabase's site URL is wrong",
        metabase(site_url="https://old.example.com"),
        {DOCTOR: "site-url"},
        site_url,
        is_seen=False,
    ),
    Fault(
        "Metabase's CORS list does not contain the page's origin",
        metabase(embedding_app_origins_sdk="https://www.example.com"),
        {DOCTOR: "metabase-cors"},
        metabase(embedding_app_origins_sdk=ORIGINS),
        kind="front end",
    ),
    Fault(
        "Metabase's list for frames does not contain the page's origin",
        metabase(embedding_app_origins_interactive="https://www.example.com"),
        {DOCTOR: "frame"},
        metabase(embedding_app_origins_interactive=ORIGINS),
        kind="front end",
        is_seen=False,
    ),
    Fault(
        "Metabase expects the e-mail address in another claim",
        metabase(jwt_attribute_email="mail"),
        {USER: "exchange"},
        keys(CLAIM_NAMES={"email": "mail"}),
    ),
    Fault(
        "user provisioning is off, and the account does not exist",
        metabase(jwt_user_provisioning_enabled=False),
        {USER: "exchange"},
        metabase(jwt_user_provisioning_enabled=True),
    ),
    Fault(
        "`TENANT` is set, and tenants are off in Metabase",
        keys(TENANT=lambda user, request: "acme"),
        {USER: "exchange"},
        metabase(use_tenants=True),
    ),
    Fault(
        "`TENANT` is set, and tenants are off in Metabase (with `API_KEY`)",
        keys(TENANT=lambda user, request: "acme", API_KEY=KEY),
        {DOCTOR: "tenants"},
        metabase(use_tenants=True),
    ),
    Fault(
        "`TENANT` names a tenant for an account without one",
        first_an_internal_user,
        {USER: "exchange"},
        keys(TENANT=lambda user, request: claims.INTERNAL),
    ),
    Fault(
        "group synchronization is off in Metabase (with `API_KEY`)",
        steps(WITH_KEY, keys(GROUP_MAPPING={"staff": "Support"}), metabase(jwt_group_sync=False)),
        {DOCTOR: "groups"},
        metabase(jwt_group_sync=True),
        is_seen=False,
    ),
    Fault(
        "a group does not exist in Metabase (with `API_KEY`)",
        steps(WITH_KEY, keys(GROUP_MAPPING={"staff": ["support", "Sales"]})),
        {DOCTOR: "groups"},
        keys(GROUP_MAPPING={"staff": "Support"}),
        is_seen=False,
    ),
    Fault(
        "Metabase does not know the `API_KEY`",
        api_key("mb_another-key="),
        {DOCTOR: "setup"},
        api_key(KEY),
        is_seen=False,
    ),
    Fault(
        "`API_KEY` belongs to a group other than Administrators",
        api_key("mb_demo-only-api-key-of-another-group="),
        {DOCTOR: "setup"},
        api_key(KEY),
        is_seen=False,
    ),
    Fault(
        "guest embeds are off in Metabase",
        steps(
            keys(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET),
            metabase(version=63, enable_embedding_static=False),
        ),
        {DOCTOR: "embedding-secret"},
        metabase(enable_embedding_static=True),
        is_seen=False,
    ),
]
