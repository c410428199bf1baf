"""Links and iframes, in a browser: from Metabase to Django and back."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import include, path
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.browser import needs_chromium, watch_hosts
from tests.e2e.visitors import enter, sign_in
from tests.helpers.configure import Configure
from tests.helpers.return_to import ALLOWED
from tests.servers.standin import Metabase

pytestmark = [needs_chromium, pytest.mark.django_db(transaction=True)]
LANDING = "/dashboard/1?tab=2&city=Oslo"


@pytest.fixture(autouse=True)
def local_only(context: BrowserContext) -> Any:
    """No request may leave for another host."""
    hosts = watch_hosts(context)
    yield
    assert hosts <= {"localhost"}


def test_signed_in(page: Page, site: str, people: dict[str, User], metabase: Metabase) -> None:
    sign_in(page, site, "ada")
    page.goto(metabase.url + LANDING)
    assert page.url == metabase.url + LANDING
    expect(page.locator("body")).to_contain_text("ada@example.com")
    assert metabase.signed_in() == ["ada@example.com"]


def test_with_a_login_in_between(
    page: Page, site: str, people: dict[str, User], metabase: Metabase
) -> None:
    page.goto(metabase.url + LANDING)
    assert urlsplit(page.url).path == "/login/"
    enter(page, "bob")
    page.wait_for_url(metabase.url + LANDING)
    expect(page.locator("body")).to_contain_text("bob@example.com")
    assert metabase.signed_in() == ["bob@example.com"]


class FormActionLogin(LoginView):
    """The login page under a policy for where its form may lead."""

    template_name = "login.html"
    sources: ClassVar[list[str]] = []

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response["Content-Security-Policy"] = f"form-action {' '.join(self.sources)}"
        return response


def around(request: HttpRequest) -> HttpResponse:
    """A page of the site with Metabase in a frame."""
    frame = "/sso/metabase?return_to=/dashboard/1?tab=2&amp;city=Oslo"
    return HttpResponse(f'<!DOCTYPE html><title>Around</title><iframe src="{frame}"></iframe>')


urlpatterns = [
    path("strict/", FormActionLogin.as_view()),
    path("around/", around),
    path("", include("tests.urls")),
]
own_urls = pytest.mark.urls("tests.e2e.test_full_app")


@own_urls
def test_form_action_that_names_the_instance(
    page: Page,
    site: str,
    people: dict[str, User],
    metabase: Metabase,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FormActionLogin, "sources", ["'self'", metabase.url])
    configure(LOGIN_URL="/strict/")
    page.goto(metabase.url + LANDING)
    enter(page, "ada")
    page.wait_for_url(metabase.url + LANDING)


@own_urls
def test_form_action_that_does_not(
    page: Page,
    site: str,
    people: dict[str, User],
    metabase: Metabase,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the README warns of: Chromium blocks the redirect behind the form."""
    monkeypatch.setattr(FormActionLogin, "sources", ["'self'"])
    configure(LOGIN_URL="/strict/")
    page.goto(metabase.url + LANDING)
    with page.expect_console_message(lambda message: "form-action" in message.text):
        enter(page, "ada")
    assert urlsplit(page.url).path == "/strict/"
    assert metabase.signed_in() == []


@own_urls
def test_in_a_frame(page: Page, site: str, people: dict[str, User], metabase: Metabase) -> None:
    sign_in(page, site, "ada")
    page.goto(f"{site}/around/")
    frame = page.frame_locator("iframe")
    expect(frame.locator("body")).to_contain_text("ada@example.com")
    assert page.frames[1].url == metabase.url + LANDING


@own_urls
def test_in_a_frame_with_a_login_in_between(
    page: Page, site: str, people: dict[str, User], metabase: Metabase
) -> None:
    page.goto(f"{site}/around/")
    page.frame_locator("iframe").get_by_role("link", name="Sign in").click()
    page.wait_for_url(f"{site}/login/?next=/around/")
    enter(page, "ada")
    page.wait_for_url(f"{site}/around/")
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("ada@example.com")
    assert page.frames[1].url == metabase.url + LANDING


@own_urls
def test_a_refusal_in_a_frame_can_be_read(
    page: Page, site: str, people: dict[str, User], configure: Configure
) -> None:
    configure(ACCESS_POLICY=lambda user, request: False)
    sign_in(page, site, "ada")
    page.goto(f"{site}/around/")
    expect(page.frame_locator("iframe").locator("main")).to_contain_text("policy")


def test_every_return_to_that_is_let_through_stays_in_metabase(
    page: Page, site: str, people: dict[str, User], metabase: Metabase
) -> None:
    """The browser's own reading of each `Location` is what counts."""
    sign_in(page, site, "ada")
    for value, expected in ALLOWED:
        local = value.replace("https://metabase.example.com", metabase.url)
        if re.search("metabase(.|%2e)example|localhost:[0-9]+:", local, re.IGNORECASE):
            continue  # other ways to write a host that here is localhost and a port
        page.goto(f"{site}/sso/metabase?return_to={local}")
        assert page.url == metabase.url + expected, value
