"""`POST /sso/metabase/guest-token`."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest
from django.test import Client, RequestFactory
from pytest_django import Settings

from django_metabase_sso import embeds
from django_metabase_sso.exceptions import (
    CallableFailed,
    InvalidGuestRequest,
    InvalidParameter,
)
from django_metabase_sso.http.guest_body import read_body
from django_metabase_sso.http.responses import SAFE_HEADERS
from tests.helpers.configure import Configure
from tests.helpers.guests import BODY, ENTITY_ID, ORIGIN, URL, post
from tests.helpers.html import read
from tests.helpers.tokens import claims_of
from tests.settings import EMBEDDING_SECRET

APP = "https://app.example.com"


MESSAGES = {
    "method-not-allowed": {"This address accepts only POST requests."},
    "origin-not-allowed": {"This origin is not allowed to request a token."},
    "unsupported-media-type": {"This address accepts only application/json."},
    "invalid-json": {
        "The Content-Length is not a number.",
        "The body is not JSON in UTF-8.",
        "The body is not a JSON object.",
        "customContext is not what the template tags wrote.",
    },
    "body-too-large": {"The body has more than 16384 bytes."},
    "invalid-entity-type": {'entityType is neither "dashboard" nor "question".'},
    "invalid-entity-id": {
        "entityId is neither a positive integer nor an entity id.",
        "entityId is an entity id, and GUEST_ENTITY_IDS is off.",
    },
    "guest-params-not-set": {
        "METABASE_SSO['GUEST_PARAMS'] is not set, so no guest token is signed."
    },
    "guest-refused": {
        "You are not allowed to see this dashboard.",
        "You are not allowed to see this question.",
        "Not before Monday.",
    },
}


def may_see(request: HttpRequest, kind: str, number: Any, context: Any) -> dict[str, Any] | None:
    """Let Ada see dashboard 10, filtered by her name."""
    if (kind, number, str(request.user)) != ("dashboard", 10, "ada"):
        return None
    return {"customer": str(request.user), "context": json.dumps(context)}


@pytest.fixture(autouse=True)
def _guest_embeds(configure: Configure) -> None:
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, GUEST_PARAMS=may_see, ALLOWED_ORIGINS=[APP])


def assert_refused(
    response: Any, status: int, code: str, logs: pytest.LogCaptureFixture
) -> logging.LogRecord:
    """Assert that the answer is an error in JSON, and the log says the same; return its record."""
    assert response.status_code == status
    answer = response.json()
    assert (answer["status"], answer["code"]) == ("error", code)
    assert answer["message"] in MESSAGES[code]
    [record] = [record for record in logs.records if getattr(record, "code", "") == code][-1:]
    assert record.levelno == logging.WARNING
    assert record.getMessage().endswith(f": {answer['message']} ({code})")
    for name, value in SAFE_HEADERS.items():
        assert response[name] == value
    return record


def test_a_token(signed_in: Client) -> None:
    response = post(signed_in)
    assert response.status_code == 200
    assert list(response.json()) == ["jwt"]
    claims = claims_of(response.json()["jwt"])
    assert claims["resource"] == {"dashboard": 10}
    assert claims["params"] == {"customer": "ada", "context": '{"a": [1]}'}
    assert "Cookie" in response["Vary"]
    assert "no-store" in response["Cache-Control"]


def test_with_a_trailing_slash_and_no_csrf_token(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    data = json.dumps(BODY)
    kind = "application/json; charset=utf-8"
    response = client.post(f"{URL}/", data, content_type=kind, headers={"Origin": ORIGIN})
    assert response.status_code == 200


def test_an_allowed_origin(signed_in: Client) -> None:
    response = post(signed_in, origin=APP)
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == APP
    assert response["Access-Control-Allow-Credentials"] == "true"


def test_a_refusal_can_be_read_by_an_allowed_origin(client: Client) -> None:
    response = post(client, origin=APP)
    assert response.status_code == 403
    assert response["Access-Control-Allow-Origin"] == APP


def test_preflight(client: Client) -> None:
    headers = {
        "Origin": APP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    response = client.options(URL, headers=headers)
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == APP
    assert response["Access-Control-Allow-Credentials"] == "true"
    assert "POST" in response["Access-Control-Allow-Methods"]
    assert "content-type" in response["Access-Control-Allow-Headers"]
    headers["Origin"] = "https://evil.example"
    response = client.options(URL, headers=headers)
    assert "Access-Control-Allow-Origin" not in response
    assert "Access-Control-Allow-Credentials" not in response


def test_options(client: Client) -> None:
    response = client.options(URL)
    assert (response.status_code, response["Allow"]) == (200, "POST, OPTIONS")


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "patch"])
def test_other_methods(client: Client, method: str, caplog: pytest.LogCaptureFixture) -> None:
    response = getattr(client, method)(URL)
    assert (response.status_code, response["Allow"]) == (405, "POST, OPTIONS")
    if method != "head":
        assert_refused(response, 405, "method-not-allowed", caplog)


@pytest.mark.parametrize(
    "origin", [None, "null", "", "https://evil.example", f"{APP}.evil.example", "http://app"]
)
def test_other_origins(
    signed_in: Client, origin: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    response = post(signed_in, origin=origin)
    assert_refused(response, 403, "origin-not-allowed", caplog)
    assert "Access-Control-Allow-Origin" not in response


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_other_content_types(
    signed_in: Client, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = post(signed_in, content_type=kind)
    record = assert_refused(response, 415, "unsupported-media-type", caplog)
    assert record.getMessage().startswith("No guest token for an embed, user None: This address")


NO_IDS: list[Any] = [0, -1, "10", True, 10.0, 1e1, None, [10], {}, 2**31, "", "x" * 21]


def body(**changes: Any) -> str:
    return json.dumps({**BODY, **changes})


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (" ", "invalid-json"),
        ("{", "invalid-json"),
        (b"\xff\xfe{\x00}\x00", "invalid-json"),
        ("[]", "invalid-json"),
        ("7", "invalid-json"),
        (body(customContext=float("nan")), "invalid-json"),
        (body(customContext=float("-inf")), "invalid-json"),
        ('{"entityType": "dashboard", "entityId": 10, "customContext": 1e999}', "invalid-json"),
        (f'{{"entityType": "dashboard", "entityId": {"9" * 5000}}}', "invalid-json"),
        ("[" * 8_000 + "]" * 8_000, "invalid-json"),
        (body(entityType="card"), "invalid-entity-type"),
        (body(entityType="Dashboard"), "invalid-entity-type"),
        (body(entityType=None), "invalid-entity-type"),
        (body(entityType=["dashboard"]), "invalid-entity-type"),
        (body(entityType={"dashboard": 1}), "invalid-entity-type"),
        ("{}", "invalid-entity-type"),
        ('{"entityType": "dashboard"}', "invalid-entity-id"),
        *((body(entityId=entity_id), "invalid-entity-id") for entity_id in NO_IDS),
        (body(entityId=ENTITY_ID), "invalid-entity-id"),
        (body(customContext="x" * 16_384), "body-too-large"),
        ("x" * 3_000_000, "body-too-large"),  # more than Django reads by itself
    ],
)
def test_bad_bodies(
    signed_in: Client, data: Any, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert_refused(post(signed_in, data), 400, code, caplog)


def test_the_largest_body(signed_in: Client, caplog: pytest.LogCaptureFixture) -> None:
    data = body().ljust(16_384)
    assert post(signed_in, data).status_code == 200
    assert_refused(post(signed_in, f"{data} "), 400, "body-too-large", caplog)


def test_a_body_without_a_length(signed_in: Client, caplog: pytest.LogCaptureFixture) -> None:
    response = post(signed_in, body(customContext="x" * 16_384), CONTENT_LENGTH="")
    assert_refused(response, 400, "invalid-json", caplog)  # WSGI: no length, no body


@pytest.mark.parametrize("length", ["x", "-1", "²", "1_0"])
def test_a_length_that_is_no_number(
    signed_in: Client, length: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert_refused(post(signed_in, CONTENT_LENGTH=length), 400, "invalid-json", caplog)


def test_a_long_body_without_a_length() -> None:
    """As ASGI servers pass on what comes in chunks."""
    request = RequestFactory().post(URL)
    request._body = body(customContext="x" * 16_384).encode()
    del request.META["CONTENT_LENGTH"]
    with pytest.raises(InvalidGuestRequest, match="more than 16384 bytes") as caught:
        read_body(request)
    assert caught.value.code == "body-too-large"


def test_numbers_in_the_context(signed_in: Client) -> None:
    assert post(signed_in, body(customContext=1.5)).status_code == 200


BIG = 12345678901234567890


@pytest.mark.parametrize(
    "value", ["007", "", "true", True, 7, BIG, 1.5, {"a": [None]}, [], "json:7", "{", "é\u2028"]
)
def test_the_context_arrives_as_the_tag_got_it(
    configure: Configure, signed_in: Client, value: Any
) -> None:
    seen: list[Any] = []
    configure(GUEST_PARAMS=lambda *args: seen.append(args[3]))
    _, attributes = read(embeds.guest_dashboard_html(None, 10, custom_context=value))
    post(signed_in, body(customContext=attributes["custom-context"]))
    assert (seen, type(seen[0])) == ([value], type(value))


@pytest.mark.parametrize(
    ("posted", "expected"),
    [
        ('{"a": [1]}', {"a": [1]}),
        ("[1]", [1]),
        ({"a": [1]}, {"a": [1]}),
        ("north", "north"),
        ("7", "7"),
        (7, 7),
        ("{not JSON", "{not JSON"),
        ('{"a": NaN}', '{"a": NaN}'),
        ("[" * 9000, "[" * 9000),
    ],
)
def test_the_context_of_an_attribute_by_hand(
    configure: Configure, signed_in: Client, posted: Any, expected: Any
) -> None:
    """Metabase 60 sends an object as text, newer versions as an object."""
    seen: list[Any] = []
    configure(GUEST_PARAMS=lambda *args: seen.append(args[3]))
    post(signed_in, body(customContext=posted))
    assert seen == [expected]


@pytest.mark.parametrize(
    "text", ["json:", "json:{", "json:NaN", "json:1e999", "json:" + "[" * 9000]
)
def test_a_context_that_no_tag_wrote(
    signed_in: Client, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    response = post(signed_in, body(customContext=text))
    assert_refused(response, 400, "invalid-json", caplog)


def test_entity_ids(configure: Configure, signed_in: Client) -> None:
    configure(GUEST_ENTITY_IDS=True, GUEST_PARAMS=lambda *args: {"seen": args[2]})
    claims = claims_of(post(signed_in, body(entityId=ENTITY_ID)).json()["jwt"])
    assert claims["resource"] == {"dashboard": ENTITY_ID}
    assert claims["params"] == {"seen": ENTITY_ID}
    assert post(signed_in, body(entityId="0" * 19 + "10")).status_code == 400


@pytest.mark.parametrize(
    "changes", [{"entityId": 11}, {"entityType": "question"}, {"customContext": None}]
)
def test_refused(
    signed_in: Client, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    response = post(signed_in, body(**changes))
    if "customContext" in changes:
        assert response.status_code == 200
        return
    record = assert_refused(response, 403, "guest-refused", caplog)
    kind = changes.get("entityType", "dashboard")
    number = changes.get("entityId", 10)
    user = User.objects.get().pk
    assert record.getMessage().startswith(
        f"No guest token for {kind} {number}, user {user}: You are not allowed to see this {kind}."
    )
    assert record.__dict__["user_id"] == user


def test_refused_with_a_reason(
    configure: Configure, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def denied(*args: object) -> None:
        raise PermissionDenied("Not before Monday.")

    configure(GUEST_PARAMS=denied)
    response = post(client)
    assert_refused(response, 403, "guest-refused", caplog)
    assert response.json()["message"] == "Not before Monday."


def test_nothing_is_signed_without_guest_params(
    configure: Configure, signed_in: Client, caplog: pytest.LogCaptureFixture
) -> None:
    configure(GUEST_PARAMS=None)
    record = assert_refused(post(signed_in), 403, "guest-params-not-set", caplog)
    user = User.objects.get().pk
    assert record.getMessage().startswith(f"No guest token for dashboard 10, user {user}: ")


def test_refused_without_sessions(
    configure: Configure, client: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MIDDLEWARE = []
    configure(GUEST_PARAMS=lambda *args: None)
    record = assert_refused(post(client), 403, "guest-refused", caplog)
    assert record.__dict__["user_id"] is None


@pytest.mark.parametrize("raised", [Http404(), BadRequest()])
def test_a_callable_that_raises_what_django_answers(
    configure: Configure, client: Client, raised: Exception
) -> None:
    def failing(*args: object) -> None:
        raise raised

    configure(GUEST_PARAMS=failing)
    with pytest.raises(CallableFailed, match="GUEST_PARAMS"):
        post(client)


@pytest.mark.parametrize("returned", [True, [], "region", 7])
def test_a_callable_that_returns_something_else(
    configure: Configure, client: Client, returned: Any
) -> None:
    configure(GUEST_PARAMS=lambda *args: returned)
    words = rf"GUEST_PARAMS.* returned {type(returned).__name__}. It must return a mapping or None"
    with pytest.raises(ImproperlyConfigured, match=words):
        post(client)


def test_an_open_filter_is_an_error(configure: Configure, client: Client) -> None:
    configure(GUEST_PARAMS=lambda *args: {"customer": []})
    with pytest.raises(InvalidParameter, match="'customer': an empty list"):
        post(client)


def test_a_500_is_no_token_and_can_be_read(configure: Configure, ada: User) -> None:
    configure(GUEST_PARAMS=lambda *args: {"customer": []})
    response = post(Client(raise_request_exception=False), origin=APP)
    assert response.status_code == 500
    assert response["Access-Control-Allow-Origin"] == APP
    assert "no-store" in response["Cache-Control"]
