"""Whatever a request is made of: the answer is one of the documented ones, and a safe one."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.test import Client
from hypothesis import example, given
from hypothesis import strategies as st

from django_metabase_sso.http.responses import SAFE_HEADERS
from tests.helpers.guests import ENTITY_ID
from tests.properties.people import BEARERS, authenticate, groups, policy, site
from tests.properties.values import mostly
from tests.settings import EMBEDDING_SECRET

APP = "https://app.example.com"
SELF = "http://testserver"


def guest_params(request: HttpRequest, kind: str, number: Any, context: Any) -> Any:
    """GUEST_PARAMS: a token for 1, a refusal in either way for everything else."""
    if number == 2:
        raise PermissionDenied("Not this one.")
    return {"customer": "acme"} if number == 1 else None


SITE = site(
    {
        "AUTHENTICATE": authenticate,
        "ACCESS_POLICY": policy,
        "GROUP_MAPPING": groups,
        "ALLOWED_ORIGINS": [APP],
        "EMBEDDING_SECRET_KEY": EMBEDDING_SECRET,
        "GUEST_PARAMS": guest_params,
    },
    # A project that opened its whole site has not opened this.
    CORS_ALLOW_ALL_ORIGINS=True,
    CORS_ALLOW_CREDENTIALS=True,
)

# The rows of the design: which codes come with which status. A 200 holds a token.
CODES = {
    401: {"not-authenticated", "invalid-credentials"},
    403: {"origin-not-allowed", "nobody", "inactive", "no-email", "policy", "token-too-large"},
    405: {"method-not-allowed"},
    409: {"navigate"},  # a link with `return_to`, which a script loads
}
GUEST_CODES = {
    400: {"invalid-json", "invalid-entity-type", "invalid-entity-id", "body-too-large"},
    403: {"origin-not-allowed", "guest-refused"},
    405: {"method-not-allowed"},
    415: {"unsupported-media-type"},
}


@dataclass
class Asked:
    """A request: what the test client needs to send it."""

    method: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    content_type: str = "application/json"
    environ: dict[str, Any] = field(default_factory=dict)

    def send(self, path: str) -> Any:
        """Return the answer, a 500 with the exception that was raised."""
        return Client().generic(
            self.method,
            path,
            self.body,
            self.content_type,
            headers=self.headers,
            QUERY_STRING=self.query,
            **self.environ,
        )


others = st.sampled_from("GET POST PUT PATCH DELETE TRACE CONNECT get purge".split())
# What a server lets through in a header: no line ends, no NUL.
noise = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=20)
origins = st.sampled_from(
    [
        *[APP, SELF] * 3,
        "null",
        "",
        f"{APP}.evil.example",
        f"{APP}:443",
        f"{APP}/",
        "https://evil.example",
    ]
)
cookies = st.sampled_from(
    ["sessionid=a:b:c", "sessionid=", "csrftoken=x", "messages=!", "a=b; ; sessionid=\xe9;=;;"]
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Origin": mostly(origins, noise),
        "Sec-Fetch-Mode": mostly(
            st.sampled_from(["navigate", "cors", "no-cors", "websocket"]), noise
        ),
        "Sec-Fetch-Dest": mostly(st.sampled_from(["iframe", "frame", "document", "empty"]), noise),
        "Sec-Purpose": st.sampled_from(["", "a", "b", "c", "prefetch;prerender"]),
        "Accept": mostly(
            st.sampled_from(["text/html", "*/*", "text/html;q=0", "text/json"]), noise
        ),
        "Authorization": mostly(
            st.sampled_from([*BEARERS, "Bearer ada", "Bearer", "Bearer x", "Basic YTpi"]), noise
        ),
        "Cookie": mostly(cookies, noise),
        "Referer": mostly(st.sampled_from([f"{SELF}/a?b", f"{SELF}//e", "//["]), noise),
        "Access-Control-Request-Method": st.sampled_from(["GET", "POST"]) | noise,
        "Access-Control-Request-Headers": noise,
        "X-Requested-With": st.just("XMLHttpRequest"),
        "X-CSRFToken": noise,
    },
)
queries = st.sampled_from(["", "return_to=/a", "return_to=//evil.example", "a=b&return_to=%5c"])
ids: st.SearchStrategy[Any] = st.sampled_from(
    [1, 1, 2, 3, 0, 2**31, "1", ENTITY_ID, None, True, 1.0, 1e999, [1], {}]
)
bodies = st.fixed_dictionaries(
    {"entityType": st.sampled_from(["dashboard", "question", "", None, [], {}]), "entityId": ids},
    optional={"customContext": st.none() | st.text() | st.lists(st.floats()), "a": st.text()},
).map(lambda body: json.dumps(body).encode())
large = st.sampled_from([b"[" * 9999, b" " * 20_000, b'{"a":' * 3000, b"1" * 5000])
sent_bodies = mostly(bodies, st.binary(max_size=30) | large)
types = st.sampled_from(
    [*["application/json"] * 3, "text/plain", "application/json;charset=x", ""]
)
environs = st.fixed_dictionaries(
    {}, optional={"CONTENT_LENGTH": st.sampled_from(["", "x", "-1", "9" * 5000, "²"])}
)


gets = mostly(st.sampled_from(["GET", "GET", "HEAD", "OPTIONS"]), others)
posts = mostly(st.sampled_from(["POST", "POST", "POST", "OPTIONS"]), others)


def of(person: str, method: str = "GET", **headers: str) -> Asked:
    """Return a request of one of BEARERS."""
    return Asked(method, "", {"Authorization": f"Bearer {person}", **headers})


@example(of("ada"), "json")
@example(of("ada", "HEAD"), "json")
@example(of("ada", "OPTIONS"), "json")
@example(of("ada", **{"Sec-Purpose": "prefetch"}), "json")
@example(of("ada", **{"Sec-Purpose": "prefetch"}), "page")
@example(of("ada"), "page")
@example(of("ada"), "anything")
@example(of("many-groups"), "page")
@example(of("refused"), "page")
@example(of("unknown"), "page")
@example(Asked("GET", "", {"Accept": "text/html"}), "anything")
@given(
    st.builds(Asked, gets, queries | noise, headers, sent_bodies, types),
    st.sampled_from(["json", "page", "anything"]),
)
def test_answers_of_the_sso_endpoint(asked: Asked, wants: str) -> None:
    asked, asks_json = deepcopy(asked), wants == "json"
    asked.query = re.sub("response=json", "", asked.query)
    if asks_json:
        asked.query = f"response=json&{asked.query}"
    elif wants == "page":
        asked.headers["Sec-Fetch-Mode"] = "navigate"
        asked.headers.pop("Origin", None)
    response = asked.send("/sso/metabase")
    assert_safe(asked, response)
    if asked.method == "OPTIONS":
        assert response.status_code in (200, 403)
        assert not response.content or response.status_code == 403
    elif asks_json or is_fetch(asked.headers):
        assert_answers_a_fetch(asked, response, CODES)
    else:
        assert_answers_a_navigation(response)


def about(number: int, method: str = "POST") -> Asked:
    """Return a request for the token of one item."""
    body = json.dumps({"entityType": "dashboard", "entityId": number})
    return Asked(method, "", {}, body.encode())


@example(about(1), True)
@example(about(2), True)
@example(about(3), True)
@example(about(1, "OPTIONS"), False)
@given(
    st.builds(Asked, posts, st.just("") | noise, headers, sent_bodies, types | noise, environs),
    st.booleans(),
)
def test_answers_of_the_guest_endpoint(asked: Asked, is_welcome: bool) -> None:
    asked = deepcopy(asked)
    if is_welcome:
        asked.method, asked.content_type = "POST", "application/json"
        asked.headers["Origin"] = APP
    response = asked.send("/sso/metabase/guest-token")
    assert_safe(asked, response)
    if asked.method == "OPTIONS":
        assert (response.status_code, response.content) == (200, b"")
    else:
        assert_answers_a_fetch(asked, response, GUEST_CODES)


def is_fetch(headers: dict[str, str]) -> bool:
    """Return what the design says of a request without `response=json`."""
    if "Sec-Fetch-Mode" in headers:
        return headers["Sec-Fetch-Mode"] != "navigate"
    if {"Origin", "Authorization"} & headers.keys():
        return True
    return "text/html" not in headers.get("Accept", "")


def assert_safe(asked: Asked, response: Any) -> None:
    """Assert what every answer has, whatever its status, and what a foreign origin gets."""
    for name, value in SAFE_HEADERS.items():
        if name != "Vary":
            assert response[name] == value
    assert {"cookie", "origin"} <= set(response["Vary"].lower().split(", "))
    if asked.method != "OPTIONS" and asked.headers.get("Origin", SELF) not in (APP, SELF):
        assert response.status_code in (403, 405)
    allowed = APP if asked.headers.get("Origin") == APP else None
    assert response.get("Access-Control-Allow-Origin") == allowed
    assert response.get("Access-Control-Allow-Credentials") == (allowed and "true")


def assert_answers_a_fetch(asked: Asked, response: Any, codes: dict[int, set[str]]) -> None:
    """Assert JSON in one of two shapes, and the code of a row; no redirect, no HTML."""
    assert "Location" not in response
    if response.status_code == 503:
        assert "prefetch" in asked.headers["Sec-Purpose"]
        assert not response.content
        return
    assert response["Content-Type"] == "application/json"
    if asked.method == "HEAD":
        assert not response.content
        assert response.status_code in (200, *codes)
    elif response.status_code == 200:
        assert list(response.json()) == ["jwt"]
    else:
        answer = response.json()
        assert list(answer) == ["status", "code", "message"]
        assert answer["code"] in codes[response.status_code]


def assert_answers_a_navigation(response: Any) -> None:
    """Assert a redirect into Metabase or to the login page, or a page of ours."""
    if response.status_code == 302:
        start = ("https://metabase.example.com/auth/sso?token=true&", "/login/?next=/sso/metabase")
        assert response["Location"].startswith(start)
        assert not response.content
    elif response.status_code != 503:
        assert response.status_code in (400, *CODES)
        assert response["Content-Type"] == "text/html; charset=utf-8"
        assert response["Content-Security-Policy"] == f"frame-ancestors 'self' {APP}"
        assert "X-Frame-Options" not in response
        assert b"jwt=" not in response.content
