"""The refusals. The site sends each request to itself, so that one click shows the answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

BACKEND = "django.contrib.auth.backends.AllowAllUsersModelBackend"
NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}


@dataclass(frozen=True)
class Case:
    """A request that does not get a token; `code` is the code in the JSON answer."""

    code: str
    title: str
    username: str = ""
    acts_as: str = ""
    query: str = ""
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    about: str = ""


CASES = (
    Case(
        "not-authenticated",
        "The user is not signed in",
        about="A browser is redirected to the login page.",
    ),
    Case(
        "invalid-credentials",
        "The credentials in the header are wrong",
        "ada",
        headers={"Authorization": "Bearer forged"},
        about="The session of ada is not used instead.",
    ),
    Case(
        "nobody",
        "AUTHENTICATE does not accept the session",
        "ada",
        headers={"Authorization": "Guest"},
        about="There is no redirect to the login page: it would lead straight back here.",
    ),
    Case("inactive", "The account has been deactivated", "ian"),
    Case("no-email", "The account has no e-mail address", "nora"),
    Case("invalid-email", "The e-mail address is not plain ASCII", "zoe"),
    Case("shared-email", "Two accounts have the same e-mail address", "tim"),
    Case("impersonated", "A staff member acts as another user", "sam", acts_as="ada"),
    Case("policy", "The e-mail address belongs to Metabase's administrator", "mallory"),
    Case("no-tenant", "A customer has no tenant", "lost"),
    Case(
        "token-too-large",
        "The redirect is too long for web servers",
        "crowd",
        about="An API request gets a token, because JSON does not have this limit.",
    ),
    Case(
        "origin-not-allowed",
        "The request comes from a page of another site",
        "ada",
        headers={"Origin": "https://evil.example"},
    ),
    Case(
        "invalid-return-to",
        "The link leads to another site than Metabase",
        "ada",
        query="return_to=https://evil.example/",
        about="An API request gets a token: return_to does not matter there.",
    ),
    Case("method-not-allowed", "The request is not a GET", "ada", method="POST"),
    Case(
        "prefetch",
        "The browser prefetches the link",
        "ada",
        headers={"Sec-Purpose": "prefetch"},
        about="The answer is 503, and no token is signed.",
    ),
)


@dataclass(frozen=True)
class Answer:
    """An answer of the sign-in view."""

    status: int
    location: str
    text: str
    is_page: bool


def case_of(code: str) -> Case | None:
    """Return the case with this code, or None."""
    return next((case for case in CASES if case.code == code), None)


def ask(case: Case, host: str) -> tuple[Answer, Answer]:
    """Return the answers to an API request and to a browser, in a separate session."""
    client = Client(headers={"Host": host}, raise_request_exception=False)
    if case.username:
        person = get_user_model().objects.get_by_natural_key(case.username)
        client.force_login(person, BACKEND)
    if case.acts_as:
        other = get_user_model().objects.get_by_natural_key(case.acts_as)
        client.post(reverse("hijack:acquire"), {"user_pk": other.pk})
    url = f"{reverse('metabase_sso:sso')}?{case.query}"
    fetched = client.generic(
        case.method, f"{reverse('metabase_sso:sso')}?response=json", headers=case.headers
    )
    visited = client.generic(case.method, url, headers={**NAVIGATION, **case.headers})
    client.logout()
    return _answer(fetched), _answer(visited)


def _answer(response: Any) -> Answer:
    is_token = response.headers["Content-Type"] == "application/json" and "jwt" in response.json()
    return Answer(
        status=response.status_code,
        location=response.headers.get("Location", "").partition("?")[0],
        text='{"jwt": "a token, which is not shown here"}' if is_token else response.text,
        is_page=response.headers["Content-Type"].startswith("text/html"),
    )
