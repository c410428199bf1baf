"""Log records: each has a `code` and a `user_id`, and none has an e-mail address."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings

from django_metabase_sso import embeds
from django_metabase_sso.client.sessions import Store
from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.signals import log_not_ended, send_ended
from django_metabase_sso.tokens import issue_token
from tests.helpers.configure import Configure
from tests.helpers.guests import BODY, post
from tests.helpers.log_records import log_calls, logged_codes
from tests.helpers.sso import FETCH, NAVIGATION, URL
from tests.settings import EMBEDDING_SECRET

CALLS = log_calls()


def test_the_calls_are_found() -> None:
    assert len(CALLS) >= 7


@pytest.mark.parametrize("place", CALLS)
def test_each_call_has_both(place: str) -> None:
    extra = CALLS[place].partition("extra={")[2]
    assert "'code': " in extra
    assert "'user_id': " in extra


# What is logged, case by case: METABASE_SSO, and what is asked


def denied(*args: object) -> None:
    raise PermissionDenied


def act_as(request: HttpRequest) -> User:
    user = User.objects.get(username="ada")
    user.is_hijacked = True  # type: ignore[attr-defined]
    return user


def switched_off(request: HttpRequest) -> User:
    return User(pk=1, email="ada@example.com", is_active=False)


def fetch(client: Client) -> None:
    client.get(FETCH)


def visit(client: Client) -> None:
    client.get(URL, headers=NAVIGATION)


def redirected(client: Client) -> None:
    with override_settings(SECURE_SSL_REDIRECT=True, SECURE_SSL_HOST="www.example.com"):
        Client().get(FETCH)


def wrong_method(client: Client) -> None:
    client.get(f"{URL}/guest-token")


def from_elsewhere(client: Client) -> None:
    client.get(FETCH, headers={"Origin": "https://evil.example"})


def without_address(client: Client) -> None:
    User.objects.update(email="")
    client.get(FETCH)


def odd_address(client: Client) -> None:
    User.objects.update(email="zoë@example.com")
    client.get(FETCH)


def shared_address(client: Client) -> None:
    User.objects.create_user("eve", "ADA@example.com")
    client.get(FETCH)


def changed_in_memory(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    request.user.email = "eve@example.com"
    return request.user


def nobody(client: Client) -> None:
    with pytest.raises(AccessRefused):
        issue_token(AnonymousUser())  # type: ignore[arg-type]


def sign_out_without_a_cache(client: Client) -> None:
    with override_settings(CACHES={"default": {"BACKEND": "tests.helpers.failing.GoneCache"}}):
        client.logout()


def call_without_a_cache(client: Client) -> None:
    with override_settings(CACHES={"default": {"BACKEND": "tests.helpers.failing.GoneCache"}}):
        Store(User.objects.get(), None, "default").find()


def frame(client: Client) -> None:
    request = RequestFactory().get("/", headers={"Host": "site.localhost"})
    embeds.iframe_html("/", title="Sales", request=request)


def components_from_elsewhere(client: Client) -> None:
    embeds.config_html(request=RequestFactory().get("/", headers={"Host": "a.example.com"}))


def guest(body: Any = BODY, **options: Any) -> Callable[[Client], None]:
    def ask(client: Client) -> None:
        post(client, body, **options)

    return ask


def groups(number: int) -> Callable[..., list[str]]:
    return lambda user, request: [f"Group number {n:05}" for n in range(number)]


Case = tuple[str, dict[str, Any], Callable[[Client], None]]
CASES: list[Case] = [
    ("not-authenticated", {}, nobody),
    ("invalid-credentials", {"AUTHENTICATE": denied}, fetch),
    ("nobody", {"AUTHENTICATE": lambda request: AnonymousUser()}, fetch),
    ("interrupted", {}, redirected),
    ("inactive", {"AUTHENTICATE": switched_off}, fetch),
    ("no-email", {}, without_address),
    ("invalid-email", {}, odd_address),
    ("impersonated", {"AUTHENTICATE": act_as}, fetch),
    ("unsaved-email", {"AUTHENTICATE": changed_in_memory}, fetch),
    ("shared-email", {}, shared_address),
    ("policy", {"ACCESS_POLICY": denied}, fetch),
    ("no-tenant", {"TENANT": lambda user, request: None}, fetch),
    ("token-too-large", {"GROUP_MAPPING": groups(220)}, visit),
    ("large-redirect", {"GROUP_MAPPING": groups(150)}, visit),
    ("privileged-group", {"GROUP_MAPPING": lambda *args: ["Administrators"]}, fetch),
    ("origin-not-allowed", {}, from_elsewhere),
    ("other-site", {}, frame),
    (
        "development-api-key",
        {"DEVELOPMENT_API_KEY": "mb_demo-only-key"},
        components_from_elsewhere,
    ),
    ("guest-params-not-set", {}, guest()),
    ("guest-refused", {"GUEST_PARAMS": denied}, guest()),
    ("unsupported-media-type", {}, guest(content_type="text/plain")),
    ("method-not-allowed", {}, wrong_method),
    ("invalid-json", {}, guest("{")),
    ("invalid-entity-type", {}, guest({**BODY, "entityType": "card"})),
    ("invalid-entity-id", {}, guest({**BODY, "entityId": -1})),
    ("cache-failed", {}, call_without_a_cache),
    ("session-not-dropped", {}, sign_out_without_a_cache),
    ("access-ended", {}, lambda client: send_ended(User(pk=1), "ada@example.com", 7, "sessions")),
    ("access-not-ended", {}, lambda client: log_not_ended(1, "Metabase is away.")),
    ("body-too-large", {}, guest(json.dumps({"a": "b" * 20_000}))),
]
LEVELS = {"access-ended": logging.INFO, "access-not-ended": logging.ERROR}
Logs = pytest.LogCaptureFixture


@pytest.fixture
def logs(caplog: Logs, settings: Any, configure: Configure) -> Logs:
    settings.DEBUG = True  # for the warning about frames
    settings.ALLOWED_HOSTS = ["*"]
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET)
    caplog.set_level(logging.INFO)
    return caplog


def everything(records: list[logging.LogRecord]) -> str:
    formatter = logging.Formatter()
    return "".join(formatter.format(record) + repr(record.__dict__) for record in records).lower()


@pytest.mark.parametrize(("code", "keys", "ask"), CASES, ids=[code for code, _, _ in CASES])
def test_records(
    ada: User,
    signed_in: Client,
    configure: Configure,
    logs: Logs,
    code: str,
    keys: dict[str, Any],
    ask: Callable[[Client], None],
) -> None:
    configure(**keys)
    ask(signed_in)
    ours = [record for record in logs.records if record.name.startswith("django_metabase_sso")]
    assert code in [record.__dict__["code"] for record in ours]
    for record in ours:
        assert record.levelno == LEVELS.get(record.__dict__["code"], logging.WARNING)
        assert record.__dict__["user_id"] in (ada.pk, None)
    assert "@example.com" not in everything(logs.records)


@pytest.mark.parametrize("ask", [fetch, visit])
def test_an_answer_with_a_token_logs_nothing(
    signed_in: Client, logs: Logs, ask: Callable[[Client], None]
) -> None:
    ask(signed_in)
    assert logs.records == []


def test_the_cases_are_complete() -> None:
    assert logged_codes() == {code for code, _, _ in CASES}


HOSTILE = "a\nWARNING forged\r\x1b[31m\u2028\u202e"


def deny_with_context(request: HttpRequest, kind: str, number: int, context: Any) -> None:
    raise PermissionDenied(f"not for {context}")


@pytest.mark.parametrize(
    ("keys", "ask"),
    [
        ({"GUEST_PARAMS": deny_with_context}, guest({**BODY, "customContext": HOSTILE})),
        (
            {"GUEST_PARAMS": deny_with_context},
            guest({**BODY, "customContext": "eyJhbGciOi.eyJlbWFp"}),
        ),
        ({}, lambda client: client.get(FETCH, headers={"Origin": HOSTILE})),
        ({}, lambda client: client.get(FETCH, headers={"Origin": "eyJhbGciOi.eyJlbWFp"})),
        ({"GROUP_MAPPING": lambda *args: [f"Administrators{HOSTILE[-1]}"]}, fetch),
    ],
)
def test_a_record_is_one_line_whatever_strangers_wrote(
    signed_in: Client,
    configure: Configure,
    logs: Logs,
    keys: dict[str, Any],
    ask: Callable[[Client], None],
) -> None:
    configure(**keys)
    ask(signed_in)
    ours = [record for record in logs.records if record.name == "django_metabase_sso"]
    assert ours
    for record in ours:
        assert record.getMessage().isprintable()
        assert "eyJ" not in record.getMessage()
