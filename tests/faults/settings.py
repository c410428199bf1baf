"""Faults in METABASE_SSO."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from tests.faults.entry import Fault, django, keys, paste, steps, without
from tests.faults.tools import CHECK, DEPLOY, DOCTOR, EXPLAIN, PAGE
from tests.faults.working import KEY, Working
from tests.servers.ports import free_port
from tests.settings import EMBEDDING_SECRET, SECRET, SECRET_KEY

OTHER = "tests-only-other-secret-0123456789abcdefghij"


async def groups_later(user: Any, request: HttpRequest | None) -> list[str]:
    raise AssertionError


def groups_of_one(user: Any) -> list[str]:
    raise AssertionError


def no_secret() -> str:
    raise OSError("the vault is sealed")


def below_another_path(working: Working, *printed: str) -> None:
    working.configure(INSTANCE_URL=f"{working.metabase.url}/metabase")


def the_site_itself(working: Working, *printed: str) -> None:
    working.configure(INSTANCE_URL=working.site.url)


def instance(working: Working, *printed: str) -> None:
    """Set INSTANCE_URL to the correct URL."""
    working.configure(INSTANCE_URL=working.metabase.url)


def other_port(working: Working, *printed: str) -> None:
    working.configure(INSTANCE_URL=f"http://localhost:{free_port()}")


def mistyped(text: str, correct: str) -> Any:
    """Return a function that replaces a correct part of INSTANCE_URL by another text."""

    def change(working: Working, *printed: str) -> None:
        working.configure(INSTANCE_URL=working.metabase.url.replace(correct, text))

    return change


SETTINGS = [
    Fault(
        "`METABASE_SSO` is missing",
        django(METABASE_SSO=None),
        {CHECK: "E001"},
        lambda working, printed: working.set(METABASE_SSO=working.before),
    ),
    Fault(
        "a key is mistyped",
        keys(GROUP_MAPING={"a": "b"}),
        {CHECK: "E002"},
        without("GROUP_MAPING"),
    ),
    Fault("`INSTANCE_URL` is missing", keys(INSTANCE_URL=None), {CHECK: "E003"}, instance),
    Fault("`INSTANCE_URL` has no scheme", mistyped("", "http://"), {CHECK: "E003"}, instance),
    Fault(
        "`INSTANCE_URL` has the wrong port",
        other_port,
        {DOCTOR: "network-refused", PAGE: "notice"},
        instance,
    ),
    Fault(
        "the host in `INSTANCE_URL` is mistyped",
        mistyped("https://metabase.invalid", "http://localhost"),
        {DOCTOR: "network-dns", PAGE: "notice"},
        instance,
    ),
    Fault(
        "`INSTANCE_URL` is https, but Metabase answers only http",
        mistyped("https:", "http:"),
        {DOCTOR: "network-tls", PAGE: "notice"},
        instance,
    ),
    Fault(
        "`INSTANCE_URL` has a path that Metabase does not have",
        below_another_path,
        {DOCTOR: "redirect", PAGE: "notice"},
        instance,
    ),
    Fault(
        "`INSTANCE_URL` is the address of this site",
        the_site_itself,
        {DOCTOR: "instance", PAGE: "notice"},
        instance,
    ),
    Fault(
        "`JWT_SHARED_SECRET` is empty (the environment variable is not set)",
        keys(JWT_SHARED_SECRET=""),
        {CHECK: "E005"},
        keys(JWT_SHARED_SECRET=SECRET),
    ),
    Fault(
        "`JWT_SHARED_SECRET` is too short",
        keys(JWT_SHARED_SECRET="secret"),
        {CHECK: "E006"},
        keys(JWT_SHARED_SECRET=SECRET),
    ),
    Fault(
        "`JWT_SHARED_SECRET` is Django's `SECRET_KEY`",
        steps(django(SECRET_KEY=SECRET)),
        {CHECK: "E007"},
        django(SECRET_KEY=SECRET_KEY),
    ),
    Fault(
        "`JWT_SHARED_SECRET` differs from Metabase's JWT signing key",
        keys(JWT_SHARED_SECRET=OTHER),
        {DOCTOR: "secret"},
        keys(JWT_SHARED_SECRET=SECRET),
    ),
    Fault(
        "`JWT_SHARED_SECRET` ends with a line break",
        keys(JWT_SHARED_SECRET=f"{SECRET}\n"),
        {CHECK: "W001", DOCTOR: "secret"},
        keys(JWT_SHARED_SECRET=SECRET),
    ),
    Fault(
        "`JWT_SHARED_SECRET` is in quotation marks",
        keys(JWT_SHARED_SECRET=f"'{SECRET}'"),
        {CHECK: "W001", DOCTOR: "secret"},
        keys(JWT_SHARED_SECRET=SECRET),
    ),
    Fault(
        "`EMBEDDING_SECRET_KEY` differs from Metabase's key",
        keys(EMBEDDING_SECRET_KEY=OTHER),
        {DOCTOR: "embedding-secret"},
        keys(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET),
        is_seen=False,
    ),
    Fault(
        "`EMBEDDING_SECRET_KEY` ends with a line break",
        keys(EMBEDDING_SECRET_KEY=f"{EMBEDDING_SECRET}\n"),
        {CHECK: "W001", DOCTOR: "embedding-secret"},
        keys(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET),
        is_seen=False,
    ),
    Fault(
        "the callable in `JWT_SHARED_SECRET` raises an exception",
        keys(JWT_SHARED_SECRET=no_secret),
        {DEPLOY: "E020", EXPLAIN: "error"},
        keys(JWT_SHARED_SECRET=SECRET),
    ),
    Fault(
        "the callable in `API_KEY` raises an exception",
        keys(API_KEY=no_secret, GROUP_MAPPING={"staff": "Support"}),
        {DEPLOY: "E020"},
        keys(API_KEY=KEY),
        is_seen=False,
    ),
    Fault(
        "the callable in `EMBEDDING_SECRET_KEY` raises an exception",
        keys(EMBEDDING_SECRET_KEY=no_secret),
        {DEPLOY: "E020"},
        keys(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET),
        is_seen=False,
    ),
    Fault(
        "`JWT_SHARED_SECRET` and `EMBEDDING_SECRET_KEY` are the same",
        keys(EMBEDDING_SECRET_KEY=SECRET),
        {CHECK: "E028"},
        without("EMBEDDING_SECRET_KEY"),
    ),
    Fault(
        "a dotted path is mistyped",
        keys(GROUP_MAPPING="analytics.groups_for"),
        {CHECK: "E015"},
        without("GROUP_MAPPING"),
    ),
    Fault(
        "a callable takes the wrong arguments",
        keys(GROUP_MAPPING=groups_of_one),
        {CHECK: "E018"},
        without("GROUP_MAPPING"),
    ),
    Fault(
        "a callable is async",
        keys(GROUP_MAPPING=groups_later),
        {CHECK: "E018", EXPLAIN: "invalid-claim"},
        without("GROUP_MAPPING"),
    ),
    Fault(
        "`TOKEN_LIFETIME` is a number of milliseconds",
        keys(TOKEN_LIFETIME=600_000),
        {CHECK: "W003"},
        without("TOKEN_LIFETIME"),
        is_seen=False,
    ),
    Fault(
        "`REDIRECT_PARAMS` contains `return_to`",
        keys(REDIRECT_PARAMS={"return_to": "/"}),
        {CHECK: "E013"},
        without("REDIRECT_PARAMS"),
        is_seen=False,
    ),
    Fault(
        "`ALLOWED_ORIGINS` is a string",
        keys(ALLOWED_ORIGINS="https://app.example.com"),
        {CHECK: "E012"},
        keys(ALLOWED_ORIGINS=["https://app.example.com"]),
        kind="front end",
    ),
    Fault(
        "`ALLOWED_ORIGINS` allows all origins",
        keys(ALLOWED_ORIGINS=["*"]),
        {CHECK: "E012"},
        without("ALLOWED_ORIGINS"),
    ),
    Fault(
        "`TOKEN_LIFETIME` is a string",
        keys(TOKEN_LIFETIME="10m"),
        {CHECK: "E008"},
        without("TOKEN_LIFETIME"),
    ),
    Fault(
        "the values of `GROUP_MAPPING` are numbers",
        keys(GROUP_MAPPING={"staff": 4}),
        {CHECK: "E009"},
        without("GROUP_MAPPING"),
    ),
    Fault(
        "`CLAIM_NAMES` gives two claims the same name",
        keys(CLAIM_NAMES={"first_name": "name", "last_name": "name"}),
        {CHECK: "E010"},
        without("CLAIM_NAMES"),
    ),
    Fault(
        "a boolean setting is a string, such as `REQUIRE_UNIQUE_EMAIL`",
        keys(REQUIRE_UNIQUE_EMAIL="False"),
        {CHECK: "E014"},
        keys(REQUIRE_UNIQUE_EMAIL=True),
    ),
    Fault(
        "`API_KEY` contains a line break",
        keys(API_KEY="mb_key\n"),
        {CHECK: "E032"},
        without("API_KEY"),
        is_seen=False,
    ),
    Fault(
        "`END_ACCESS` contains an unknown value",
        keys(END_ACCESS=["sign-out"]),
        {CHECK: "E034"},
        without("END_ACCESS"),
        is_seen=False,
    ),
    Fault(
        "`ALLOWED_ORIGINS` contains a wildcard",
        keys(ALLOWED_ORIGINS=["https://app.example.com", "https://*.example.com"]),
        {DEPLOY: "W005"},
        keys(ALLOWED_ORIGINS=["https://app.example.com"]),
        kind="front end",
        is_seen=False,
    ),
    Fault(
        "`ALLOWED_ORIGINS` contains an http origin",
        keys(ALLOWED_ORIGINS=["https://app.example.com", "http://www.example.com"]),
        {DEPLOY: "W002"},
        keys(ALLOWED_ORIGINS=["https://app.example.com"]),
        kind="front end",
        is_seen=False,
    ),
    Fault(
        "`REQUIRE_UNIQUE_EMAIL` is off",
        keys(REQUIRE_UNIQUE_EMAIL=False),
        {CHECK: "W011"},
        paste,
        is_seen=False,
    ),
    Fault(
        "`ACCESS_POLICY` is not set",
        without("ACCESS_POLICY"),
        {DEPLOY: "W013"},
        paste,
        is_seen=False,
    ),
    Fault(
        "`GROUP_MAPPING` names `Administrators`",
        keys(GROUP_MAPPING={"staff": "Administrators"}),
        {CHECK: "W015"},
        keys(GROUP_MAPPING={"staff": "Support"}),
        is_seen=False,
    ),
    Fault(
        "`TENANT_ATTRIBUTES` is set without `TENANT`",
        keys(TENANT_ATTRIBUTES=lambda user, request: {}),
        {CHECK: "W004"},
        without("TENANT_ATTRIBUTES"),
        is_seen=False,
    ),
    Fault(
        "`GUEST_PARAMS` is set without `EMBEDDING_SECRET_KEY`",
        keys(GUEST_PARAMS=lambda request, kind, number, context: {}),
        {CHECK: "E029"},
        keys(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET),
        is_seen=False,
    ),
    Fault(
        "`END_ACCESS` is set without `API_KEY`",
        keys(END_ACCESS=["deactivation"]),
        {CHECK: "E029"},
        without("END_ACCESS"),
        is_seen=False,
    ),
    Fault(
        "`DEVELOPMENT_API_KEY` is set while `DEBUG` is off",
        keys(DEVELOPMENT_API_KEY="mb_key"),
        {CHECK: "E031"},
        without("DEVELOPMENT_API_KEY"),
        is_seen=False,
    ),
]
