"""Each way to be refused, asked for by the site itself, so that one click shows the answers."""

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
    """A request that gets no token: `code` is what a fetch is told."""

    code: str
    title: str
    username: str = ""
    acts_as: str = ""
    query: str = ""
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    about: str = ""


CASES = (
    Case("not-authenticated", "Nobody is signed in", about="A person is sent to the login page."),
    Case(
        "invalid-credentials",
        "A header that is no good",
        "ada",
        headers={"Authorization": "Bearer forged"},
        about="No falling back to the session of ada.",
    ),
    Case(
        "nobody",
        "Signed in, but not for this request",
        "ada",
        headers={"Authorization": "Guest"},
        about="Not the login page, which would lead straight back here.",
    ),
    Case("inactive", "The account is switched off", "ian"),
    Case("no-email", "No e-mail address", "nora"),
    Case("invalid-email", "An address that Metabase may read in another way", "zoe"),
    Case("shared-email", "Two accounts with one address", "tim"),
    Case("impersonated", "Staff who act as somebody else", "sam", acts_as="ada"),
    Case("policy", "The address of Metabase's administrator", "mallory"),
    Case("no-tenant", "A customer without a tenant", "lost"),
    Case(
        "token-too-large",
        "A redirect that servers would not take",
        "crowd",
        about="A fetch gets its token: JSON has no such limit.",
    ),
    Case(
        "origin-not-allowed",
        "A page of somebody else",
        "ada",
        headers={"Origin": "https://evil.example"},
    ),
    Case(
        "invalid-return-to",
        "A link that leads out of Metabase",
        "ada",
        query="return_to=https://evil.example/",
        about="A fetch takes no notice of return_to.",
    ),
    Case("method-not-allowed", "Not a GET", "ada", method="POST"),
    Case(
        "prefetch",
        "A page that nobody opened yet",
        "ada",
        headers={"Sec-Purpose": "prefetch"},
        about="503, and nothing is signed.",
    ),
)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    location: str
    text: str
    is_page: bool


def case_of(code: str) -> Case | None:
    """Return the case with that code."""
    return next((case for case in CASES if case.code == code), None)


def ask(case: Case, host: str) -> tuple[Answer, Answer]:
    """Return the answers to a fetch and to a navigation, asked with a session of their own."""
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
