"""`django_metabase_sso.test`, which projects test with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template import Context, Template
from django.test import Client, RequestFactory
from pytest_django import Settings

from django_metabase_sso.claims import django_groups
from django_metabase_sso.test import (
    SETTINGS,
    assert_refused,
    assert_signs_in,
    decode,
    decode_guest,
)
from django_metabase_sso.tokens import guest_token, issue_token, sign
from tests.helpers.configure import Configure
from tests.helpers.findings import messages
from tests.helpers.guests import BODY, post
from tests.helpers.redaction import JWT
from tests.helpers.sso import FETCH, NAVIGATION, URL


@pytest.fixture(autouse=True)
def _settings(configure: Configure) -> None:
    configure(**SETTINGS)


def failure(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """Return what the AssertionError says; its traceback shows no token."""
    with pytest.raises(AssertionError) as caught:
        function(*arguments, **options)
    assert caught.value.__context__ is None
    assert not JWT.search("".join(traceback.format_exception(caught.value)))
    assert not JWT.search(str(caught.getrepr(showlocals=True, style="long")))
    return str(caught.value)


def token_json(token: str) -> HttpResponse:
    return JsonResponse({"jwt": token})


def test_the_settings() -> None:
    assert messages() == {}


def test_the_settings_can_be_imported_by_a_settings_file(tmp_path: Path) -> None:
    source = "from django_metabase_sso.test import SETTINGS\nMETABASE_SSO = SETTINGS\n"
    (tmp_path / "for_tests.py").write_text(source)
    code = "from django.conf import settings; print(settings.METABASE_SSO['INSTANCE_URL'])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "for_tests"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == SETTINGS["INSTANCE_URL"]


def test_decode(signed_in: Client, ada: User, configure: Configure) -> None:
    token = issue_token(ada)
    fetched = signed_in.get(FETCH)
    redirected = signed_in.get(f"{URL}?return_to=/dashboard/1", headers=NAVIGATION)
    for found in (decode(token), decode(str(token)), decode(fetched), decode(redirected)):
        assert found["email"] == "ada@example.com"
    configure(INSTANCE_URL="https://example.com/metabase", REDIRECT_PARAMS={"token": "true"})
    assert decode(signed_in.get(URL, headers=NAVIGATION))["email"] == "ada@example.com"


def test_decode_takes_no_notice_of_the_clock() -> None:
    assert decode(sign({"iat": 0, "exp": 1})) == {"iat": 0, "exp": 1}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-5],
        lambda token: f"{token}x",
        lambda token: f"Bearer {token}",
        lambda token: token.rpartition(".")[0],
        lambda token: f"{token}é",
        lambda token: "",
        lambda token: guest_token("dashboard", 1, {}),
    ],
)
def test_tokens_that_are_not_ours(spoil: Callable[[str], str]) -> None:
    spoilt = spoil(sign({"email": "ada@example.com"}))
    expected = "not a token that was signed with METABASE_SSO['JWT_SHARED_SECRET']"
    assert expected in failure(decode, token_json(spoilt))


def test_the_secrets_are_two(ada: User) -> None:
    assert "'EMBEDDING_SECRET_KEY'" in failure(decode_guest, token_json(issue_token(ada)))


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (HttpResponse("<p>hello"), "a 200 (text/html; charset=utf-8) without a code."),
        (HttpResponse(status=204), "a 204 "),
        (StreamingHttpResponse(["a"]), "a 200 "),
        (JsonResponse([], safe=False), "a 200 (application/json)"),
        (HttpResponse("{", content_type="application/json"), "a 200 (application/json)"),
        (JsonResponse({"jwt": 1}), "a 200 (application/json)"),
        (JsonResponse({"code": "policy"}), "a 200 (application/json)"),
        (JsonResponse({"code": "policy"}, status=403), "a refusal, 'policy'."),
        (JsonResponse({"code": 7}, status=403), "a 403 (application/json)"),
        (HttpResponseRedirect("/login/?next=/"), "a refusal, 'not-authenticated'."),
        (HttpResponseRedirect("https://testserver/sso/metabase?a=b"), "'https://testserver/sso/"),
        (HttpResponseRedirect("https://metabase.example.com/auth/sso"), "a redirect to"),
    ],
)
def test_answers_without_a_token(response: HttpResponseBase, words: str) -> None:
    for function in (decode, decode_guest, assert_signs_in):
        assert words in failure(function, response)


def test_a_token_that_goes_somewhere_else() -> None:
    token = sign({"email": "ada@example.com"})
    target = f"https://evil.example/auth/sso?jwt={token}"
    elsewhere = HttpResponse(status=302, headers={"Location": target})
    assert failure(decode, elsewhere).endswith("a redirect to 'https://evil.example/auth/sso'.")


# Signing in


@pytest.fixture
def token(ada: User, configure: Configure) -> str:
    ada.groups.add(*(Group.objects.create(name=name) for name in ("Sales", "Analysts")))
    configure(
        GROUP_MAPPING=django_groups,
        USER_ATTRIBUTES=lambda user, request: {"region": "north", "number": 7, "gone": None},
        TENANT=lambda user, request: 12,
    )
    return issue_token(ada)


def test_signs_in(token: str, ada: User) -> None:
    claims = assert_signs_in(
        token_json(token),
        email=ada.email,
        groups={"Sales", "Analysts"},
        attributes={"number": 7, "gone": None},
        tenant=12,
    )
    assert claims == decode(token)
    assert assert_signs_in(token) == claims


@pytest.mark.parametrize(
    ("expected", "sentence"),
    [
        ({"email": "li@example.com"}, "'email' is 'ada@example.com'. Expected: 'li@example.com'."),
        ({"groups": ["Sales"]}, "'groups' is ['Analysts', 'Sales']. Expected: ['Sales']."),
        ({"groups": None}, "'groups' is ['Analysts', 'Sales']. Expected: missing."),
        ({"attributes": {"region": "south"}}, "'region' is 'north'. Expected: 'south'."),
        ({"attributes": {"region": ""}}, "'region' is 'north'. Expected: missing."),
        ({"attributes": {"level": 3}}, "'level' is missing. Expected: '3'."),
        ({"tenant": "acme"}, "'@tenant' is '12'. Expected: 'acme'."),
        ({"tenant": None}, "'@tenant' is '12'. Expected: missing."),
    ],
)
def test_signs_in_as_somebody_else(token: str, expected: dict[str, Any], sentence: str) -> None:
    assert failure(assert_signs_in, token_json(token), **expected) == f"The claim {sentence}"


def test_claims_under_other_names(ada: User, configure: Configure) -> None:
    configure(CLAIM_NAMES={"email": "mail", "groups": "teams", "tenant": "firm"})
    assert_signs_in(issue_token(ada), email="ADA@example.com", groups=None, tenant=None)
    configure(GROUP_MAPPING=django_groups, TENANT=lambda user, request: "acme")
    assert_signs_in(issue_token(ada), email="ADA@example.com", groups=[], tenant="acme")


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"exp": 2}, "'iat' must be a whole number. It is None"),
        ({"iat": 1}, "'exp' must be a whole number. It is None"),
        ({"iat": True, "exp": 2}, "'iat' must be a whole number. It is True"),
        ({"iat": 1, "exp": "2"}, "'exp' must be a whole number. It is '2'"),
        ({"iat": 2, "exp": 2}, "has already expired"),
    ],
)
def test_times(claims: dict[str, Any], words: str) -> None:
    assert words in failure(assert_signs_in, token_json(sign(claims)))


# Refusals


@pytest.mark.parametrize("request_of", [(FETCH, {}), (URL, NAVIGATION)])
def test_refused(signed_in: Client, configure: Configure, request_of: Any) -> None:
    url, headers = request_of
    token = signed_in.get(url, headers=headers)
    said = failure(assert_refused, token, "policy")
    assert said == "Expected a refusal, 'policy'; got a token."
    configure(ACCESS_POLICY=lambda user, request: False)
    refused = signed_in.get(url, headers=headers)
    assert_refused(refused, "policy")
    assert "got a refusal, 'policy'." in failure(assert_refused, refused, "inactive")


def test_not_authenticated(client: Client, db: None, settings: Settings) -> None:
    frame = {**NAVIGATION, "Sec-Fetch-Dest": "iframe"}
    for headers in ({}, NAVIGATION, frame):
        assert_refused(client.get(URL, headers=headers), "not-authenticated")
    settings.SECURE_SSL_REDIRECT = True
    words = "a redirect to 'https://testserver/sso/metabase'"
    assert words in failure(assert_refused, Client().get(FETCH), "not-authenticated")


def test_other_refusals(signed_in: Client) -> None:
    assert_refused(signed_in.post(FETCH), "method-not-allowed")
    assert_refused(signed_in.get(f"{URL}?return_to=//x", headers=NAVIGATION), "invalid-return-to")
    assert_refused(signed_in.get(FETCH, headers={"Origin": "null"}), "origin-not-allowed")


def test_an_answer_that_is_not_ours(client: Client) -> None:
    assert "without a code" in failure(assert_refused, client.get("/missing/"), "policy")


# Guest tokens


def test_guest_tokens(signed_in: Client, configure: Configure) -> None:
    configure(GUEST_PARAMS=lambda *args: {"customer": 7})
    before = int(time.time())
    claims = decode_guest(post(signed_in))
    assert claims.pop("exp") > before
    assert claims == {"resource": {"dashboard": 10}, "params": {"customer": 7}}
    assert decode_guest(guest_token("question", 5, {}))["resource"] == {"question": 5}


def test_a_guest_token_that_is_refused(signed_in: Client, configure: Configure) -> None:
    def denied(*args: object) -> None:
        raise PermissionDenied

    configure(GUEST_PARAMS=denied)
    response = post(signed_in, json.dumps(BODY))
    assert_refused(response, "guest-refused")
    assert "a refusal, 'guest-refused'" in failure(decode_guest, response)


EMBEDS = "{% load metabase %}{% metabase_guest_dashboard 10 params=params %}"
FRAME = "{% load metabase %}{% metabase_static_iframe dashboard=10 params=params title='S' %}"


@pytest.mark.parametrize("source", [EMBEDS, FRAME])
def test_pages_with_a_guest_embed(source: str) -> None:
    context = Context({"params": {"customer": 7}, "request": RequestFactory().get("/")})
    page = Template(source).render(context)
    assert decode_guest(HttpResponse(page))["params"] == {"customer": 7}
    words = "There are 2 tokens in the page"
    other = guest_token("question", 5, {})
    assert words in failure(decode_guest, HttpResponse(f"{page}{other}"))
    assert "The response has no token" in failure(decode, HttpResponse(page))
