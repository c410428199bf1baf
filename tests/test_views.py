from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import (
    BadRequest,
    ImproperlyConfigured,
    PermissionDenied,
    SuspiciousOperation,
)
from django.http import Http404, HttpRequest
from django.test import AsyncClient, Client, RequestFactory
from django.urls import path, reverse
from pytest_django import DjangoAssertNumQueries, Settings

from django_metabase_sso.exceptions import AccessRefused, CallableFailed
from django_metabase_sso.http import responses
from django_metabase_sso.http.endpoints import Endpoint
from django_metabase_sso.signals import token_refused
from django_metabase_sso.tokens import Grant, Token
from django_metabase_sso.views import GuestTokenView, SSOView
from tests.helpers.configure import Configure
from tests.helpers.signals import Recorder, receiving
from tests.helpers.sso import (
    FETCH,
    NAVIGATION,
    REFUSALS,
    URL,
    as_backend,
    assert_error,
    assert_safe,
)
from tests.helpers.tokens import decode, token_of

# A user may have a token


def test_fetch_gets_a_token_and_nothing_else(signed_in: Client) -> None:
    before = int(time.time())
    response = signed_in.get(FETCH)
    claims = decode(token_of(response))
    iat = claims.pop("iat")
    assert before <= iat <= int(time.time())
    assert claims == {
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "exp": iat + 600,
    }
    assert response["Content-Type"] == "application/json"
    assert_safe(response)


def test_navigation_gets_a_redirect_into_metabase(signed_in: Client) -> None:
    response: Any = signed_in.get(f"{URL}?return_to=/dashboard/1", headers=NAVIGATION)
    token = token_of(response)
    assert decode(token)["email"] == "ada@example.com"
    assert response.url == response["Location"]
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert response.url == (
        f"https://metabase.example.com/auth/sso?token=true&jwt={token}&return_to=/dashboard/1"
    )
    assert_safe(response)


def test_without_return_to_the_start_page_is_sent(signed_in: Client) -> None:
    assert signed_in.get(URL, headers=NAVIGATION)["Location"].endswith("&return_to=/")


def test_return_to_takes_the_rest_of_the_query_string(signed_in: Client) -> None:
    query = "?return_to=/dashboard/1?tab=2&city=Oslo&response=json"
    location = urlsplit(signed_in.get(URL + query, headers=NAVIGATION)["Location"])
    assert parse_qsl(location.query)[-1] == (
        "return_to",
        "/dashboard/1?tab=2&city=Oslo&response=json",
    )


def test_the_trailing_slash_is_optional_and_redirects_nowhere(signed_in: Client) -> None:
    assert reverse("metabase_sso:sso") == URL
    assert signed_in.get(f"{URL}/?response=json").status_code == 200
    assert signed_in.get("/sso/metabase/other").status_code == 404


def test_redirect_params_and_a_path_prefix(signed_in: Client, configure: Configure) -> None:
    configure(INSTANCE_URL="https://example.com/metabase/", REDIRECT_PARAMS={})
    for query in ("", "?return_to=/", "?return_to=/metabase/"):
        location = signed_in.get(URL + query, headers=NAVIGATION)["Location"]
        assert location.startswith("https://example.com/metabase/auth/sso?jwt=")
        assert location.endswith("&return_to=/metabase/")
    head = signed_in.head(f"{URL}?return_to=/question/1", headers=NAVIGATION)
    assert head["Location"] == (
        "https://example.com/metabase/auth/sso?return_to=/metabase/question/1"
    )


@pytest.mark.parametrize("method", ["get", "head"])
def test_queries(
    signed_in: Client, method: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    signed_in.get(FETCH)  # the first token of a process costs one query more
    with django_assert_num_queries(3):  # session, user, uniqueness of the address
        getattr(signed_in, method)(FETCH)


# Fetch or navigation


@pytest.mark.parametrize(
    ("query", "headers", "is_fetch"),
    [
        ("response=json", NAVIGATION, True),
        ("response=html&response=json", NAVIGATION, True),
        ("response=json", {**NAVIGATION, "Sec-Fetch-Mode": "navigate"}, True),
        ("return_to=/a&response=json", NAVIGATION, True),
        ("return_to=/a?b=c&response=json", NAVIGATION, False),
        ("response=JSON", NAVIGATION, False),
        ("", {**NAVIGATION, "Sec-Fetch-Mode": "navigate"}, False),
        ("", {**NAVIGATION, "Sec-Fetch-Mode": "cors"}, True),
        ("", {**NAVIGATION, "Sec-Fetch-Mode": "same-origin"}, True),
        ("", {"Accept": "*/*", "Sec-Fetch-Mode": "navigate"}, False),
        ("", {**NAVIGATION, "Authorization": "Bearer x"}, True),
        ("", {**NAVIGATION, "Origin": "http://testserver"}, True),
        ("", {**NAVIGATION, "Origin": "http://testserver", "Sec-Fetch-Mode": "navigate"}, False),
        ("", NAVIGATION, False),
        ("", {"Accept": "application/json"}, True),
        ("", {"Accept": "*/*"}, True),
        ("", {}, True),
    ],
)
def test_fetch_or_navigation(
    client: Client, query: str, headers: dict[str, str], is_fetch: bool
) -> None:
    response = client.get(f"{URL}?{query}", headers=headers)
    assert response.status_code == (401 if is_fetch else 302)
    assert (response["Content-Type"] == "application/json") is is_fetch


# Anonymous


def test_anonymous_fetch(client: Client) -> None:
    response = client.get(FETCH)
    assert_error(response, 401, "not-authenticated")
    assert response.json()["message"] == "not authenticated"


@pytest.mark.parametrize("middleware", ["LoginRequiredMiddleware"])
def test_login_required_middleware_changes_nothing(
    client: Client, settings: Settings, middleware: str
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"django.contrib.auth.middleware.{middleware}"]
    assert client.get("/other/").status_code == 302
    assert_error(client.get(FETCH), 401, "not-authenticated")


def test_anonymous_navigation_goes_to_the_login_page_and_comes_back_whole(
    client: Client, ada: User
) -> None:
    ada.set_password("demo")
    ada.save()
    request = f"{URL}?return_to=/dashboard/1?tab=2&city=Oslo"
    response = client.get(request, headers=NAVIGATION)
    assert response.status_code == 302
    login = urlsplit(response["Location"])
    assert (login.path, parse_qsl(login.query)) == ("/login/", [("next", request)])
    assert_safe(response)
    entered = client.post(response["Location"], {"username": "ada", "password": "demo"})
    assert entered["Location"] == request
    location = client.get(entered["Location"], headers=NAVIGATION)["Location"]
    assert unquote(location).endswith("&return_to=/dashboard/1?tab=2&city=Oslo")


@pytest.mark.parametrize(
    ("login_url", "expected"),
    [
        ("/enter/?a=b", "/enter/?a=b&next=/sso/metabase"),
        ("login", "/login/?next=/sso/metabase"),
        ("http://testserver/enter", "http://testserver/enter?next=/sso/metabase"),
        ("http://TestServer:80/enter", "http://TestServer:80/enter?next=/sso/metabase"),
        ("//testserver/enter", "//testserver/enter?next=/sso/metabase"),
        (
            "https://id.example.com/",
            "https://id.example.com/?next=http%3A//testserver/sso/metabase",
        ),
    ],
)
def test_login_url(client: Client, configure: Configure, login_url: str, expected: str) -> None:
    configure(LOGIN_URL=login_url)
    assert client.get(URL, headers=NAVIGATION)["Location"] == expected


def test_a_host_that_is_not_ours(client: Client, settings: Settings, configure: Configure) -> None:
    configure(LOGIN_URL="https://id.example.com/")
    settings.MIDDLEWARE = [
        name for name in settings.MIDDLEWARE if name != "django.middleware.common.CommonMiddleware"
    ]
    response = client.get(URL, headers={**NAVIGATION, "Host": "evil.example"})
    assert response.status_code == 400
    assert "Location" not in response


def test_a_host_that_is_not_ours_in_a_callable(
    client: Client, settings: Settings, configure: Configure
) -> None:
    """The request is at fault, and not the callable."""
    configure(AUTHENTICATE=lambda request: request.build_absolute_uri())
    settings.MIDDLEWARE = []
    client.raise_request_exception = False
    assert client.get(FETCH, headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("frame", ["iframe", "frame"])
@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/reports/?page=2", "/reports/%3Fpage%3D2"),
        ("http://testserver//evil.example/", "/evil.example/"),
        ("http://testserver/\\evil.example/", "/evil.example/"),
        ("http://testserver/?page=2", "/%3Fpage%3D2"),
        # By a Referrer-Policy of `origin`, this may be any page of the site.
        ("http://testserver", "/sso/metabase%3Freturn_to%3D/dashboard/1"),
        ("http://testserver/", "/sso/metabase%3Freturn_to%3D/dashboard/1"),
        ("https://app.example.com/reports/", "/sso/metabase%3Freturn_to%3D/dashboard/1"),
        ("", "/sso/metabase%3Freturn_to%3D/dashboard/1"),
        (None, "/sso/metabase%3Freturn_to%3D/dashboard/1"),
    ],
)
def test_anonymous_iframe_gets_a_link_that_opens_in_the_top_window(
    client: Client, frame: str, referer: str | None, back: str
) -> None:
    headers = {**NAVIGATION, "Sec-Fetch-Dest": frame}
    if referer is not None:
        headers["Referer"] = referer
    response = client.get(f"{URL}?return_to=/dashboard/1", headers=headers)
    assert response.status_code == 401
    assert f'<a href="/login/?next={back}" target="_top">Sign in</a>' in response.text
    assert_framable(response)


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("frame=1&return_to=%2F", {}, 401),
        ("frame=1&return_to=%2F", {"Sec-Fetch-Dest": "document"}, 302),
        ("return_to=/?frame=1", {}, 302),
        ("frame=10&return_to=%2F", {}, 302),
    ],
)
def test_frames_of_the_tags_on_plain_http(
    client: Client, query: str, headers: dict[str, str], status: int
) -> None:
    """There, browsers do not say what a request is for."""
    headers = {"Accept": "text/html,*/*", **headers}
    response = client.get(f"{URL}?{query}", headers=headers)
    assert response.status_code == status
    assert ("frame-ancestors" in response.headers.get("Content-Security-Policy", "")) is (
        status == 401
    )


def test_anonymous_iframe_on_https(client: Client) -> None:
    headers = {**NAVIGATION, "Sec-Fetch-Dest": "iframe", "Referer": "http://testserver/reports/"}
    response = client.get(URL, headers=headers, secure=True)
    assert '<a href="/login/?next=/sso/metabase" target="_top">' in response.text


@pytest.mark.parametrize("host", ["www.example.com:443", "WWW.Example.com", "www.example.com"])
def test_hosts_are_compared_as_browsers_write_them(
    signed_in: Client, settings: Settings, configure: Configure, host: str
) -> None:
    settings.ALLOWED_HOSTS = ["www.example.com"]
    origin = {"Host": host, "Origin": "https://www.example.com"}
    assert token_of(signed_in.get(FETCH, headers=origin, secure=True))
    for other in ("http://www.example.com", "https://www.example.com:80", "https://example.com"):
        assert (
            signed_in.get(FETCH, headers={**origin, "Origin": other}, secure=True).status_code
            == 403
        )
    signed_in.logout()
    frame = {
        **NAVIGATION,
        "Host": host,
        "Sec-Fetch-Dest": "iframe",
        "Referer": "https://www.example.com/reports/",
    }
    for login_url in (
        "/login/",
        "https://www.example.com/login/",
        "https://WWW.example.com:443/in",
    ):
        configure(LOGIN_URL=login_url)
        page = signed_in.get(URL, headers=frame, secure=True).text
        assert f'<a href="{login_url}?next=/reports/" target="_top">' in page


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("[::1]:80", "http://[::1]"),
        ("testserver:8000", "http://testserver:8000"),
        ("a..b", "http://a..b"),  # Django takes it; no browser sends it
    ],
)
def test_own_origin_of_other_hosts(
    signed_in: Client, settings: Settings, host: str, origin: str
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert token_of(signed_in.get(FETCH, headers={"Host": host, "Origin": origin}))
    headers = {"Host": host, "Origin": "http://testserver"}
    assert signed_in.get(FETCH, headers=headers).status_code == 403


def test_anonymous_iframe_with_a_login_page_elsewhere(
    client: Client, configure: Configure
) -> None:
    configure(LOGIN_URL="https://id.example.com/")
    headers = {**NAVIGATION, "Sec-Fetch-Dest": "iframe", "Referer": "http://testserver/reports/"}
    response = client.get(URL, headers=headers)
    back = "http%3A//testserver/reports/"
    assert f'<a href="https://id.example.com/?next={back}" target="_top">' in response.text


def assert_framable(response: Any, ancestors: str = "'self'") -> None:
    assert "X-Frame-Options" not in response
    assert response["Content-Security-Policy"] == f"frame-ancestors {ancestors}"
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert_safe(response)


# Origins


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "https://testserver", "http://testserver:81"]
)
@pytest.mark.parametrize("method", ["get", "head", "options"])
@pytest.mark.parametrize(
    "cors",
    [
        {},
        {"CORS_ALLOW_ALL_ORIGINS": True, "CORS_ALLOW_CREDENTIALS": True},
        {
            "CORS_ALLOWED_ORIGINS": ["https://evil.example", "null", "https://testserver"],
            "CORS_ALLOW_CREDENTIALS": True,
        },
    ],
)
def test_other_origins_are_refused_before_any_query(
    signed_in: Client,
    configure: Configure,
    settings: Settings,
    django_assert_num_queries: DjangoAssertNumQueries,
    origin: str,
    method: str,
    cors: dict[str, Any],
) -> None:
    for name, value in cors.items():
        setattr(settings, name, value)

    def never(*args: object) -> None:
        raise AssertionError

    configure(ALLOWED_ORIGINS=["https://app.example.com"], AUTHENTICATE=never)
    with django_assert_num_queries(0):
        response = getattr(signed_in, method)(FETCH, headers={"Origin": origin})
    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response
    assert "Access-Control-Allow-Credentials" not in response
    if method == "get":
        assert_error(response, 403, "origin-not-allowed")
        assert response.json()["message"] == "This origin is not allowed to read a token."


def test_origin_not_allowed_navigation(signed_in: Client) -> None:
    headers = {**NAVIGATION, "Origin": "null", "Sec-Fetch-Mode": "navigate"}
    response = signed_in.get(URL, headers=headers)
    assert response.status_code == 403
    assert "origin-not-allowed" in response.text
    assert_framable(response)


@pytest.mark.parametrize("origin", ["http://testserver", "https://app.example.com"])
def test_own_and_allowed_origins_get_a_token(
    signed_in: Client, configure: Configure, origin: str
) -> None:
    configure(ALLOWED_ORIGINS=["https://app.example.com"])
    assert token_of(signed_in.get(FETCH, headers={"Origin": origin}))


@pytest.mark.parametrize("url", [URL, FETCH])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "embed"},
    ],
)
def test_what_a_page_can_show_but_not_read_tells_nothing(
    signed_in: Client,
    configure: Configure,
    django_assert_num_queries: DjangoAssertNumQueries,
    url: str,
    headers: dict[str, str],
) -> None:
    """`load` and `error` would say whether the visitor is signed in: 403 for everybody."""

    def never(*args: object) -> None:
        raise AssertionError

    assert token_of(signed_in.get(url))
    configure(AUTHENTICATE=never)
    with django_assert_num_queries(0):
        response = signed_in.get(url, headers=headers)
    assert response.status_code == 403
    assert "origin-not-allowed" in response.text
    assert_safe(response)
    assert Client().get(url, headers=headers).content == response.content


# Refusals


@pytest.mark.parametrize(("person", "config", "code"), REFUSALS)
def test_refused(
    client: Client,
    ada: User,
    configure: Configure,
    settings: Settings,
    person: dict[str, Any],
    config: dict[str, Any],
    code: str,
) -> None:
    as_backend(settings)
    configure(ALLOWED_ORIGINS=["https://app.example.com"], **config)
    User.objects.filter(pk=ada.pk).update(**person)
    client.force_login(ada)
    assert_error(client.get(FETCH), 403, code)
    page = client.get(f"{URL}?return_to=/dashboard/1", headers=NAVIGATION)
    assert page.status_code == 403
    assert f"<small>{code}</small>" in page.text
    assert page.templates[0].name == "django_metabase_sso/refused.html"
    assert_framable(page, "'self' https://app.example.com")


def test_shared_email_is_refused_whoever_has_it(signed_in: Client) -> None:
    User.objects.create_user("eve", "ADA@example.com", is_active=False)
    assert_error(signed_in.get(FETCH), 403, "shared-email")


def test_too_large_redirect_is_refused_and_a_fetch_is_not(
    signed_in: Client, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(GROUP_MAPPING=lambda user, request: [f"Group number {n:05}" for n in range(220)])
    response = signed_in.get(URL, headers=NAVIGATION)
    assert response.status_code == 403
    assert "token-too-large" in response.text
    assert "fewer groups and shorter user attributes" in response.text
    assert len(decode(token_of(signed_in.get(FETCH)))["groups"]) == 220
    assert caplog.records[0].__dict__["code"] == "token-too-large"


class FixedGrant(Grant):
    """A grant of this token."""

    def __init__(self, token: str, user: User) -> None:
        super().__init__(user, None, {}, None)
        vars(self)["token"] = Token(token)


@pytest.mark.parametrize(
    ("size", "codes"),
    [
        (4096, []),
        (4097, ["large-redirect"]),
        (6144, ["large-redirect"]),
        (6145, ["token-too-large"]),
    ],
)
def test_how_large_a_redirect_may_be(
    ada: User, caplog: pytest.LogCaptureFixture, size: int, codes: list[str]
) -> None:
    around = responses.sign_in_url("/dashboard/1", "x")
    grant = FixedGrant("x" * (size - len(around) + 1), ada)
    found = []
    try:
        response = responses.token_redirect(grant, "/dashboard/1")
        assert len(response.url) == size
    except AccessRefused as refused:
        found.append(refused.code)
    found += [record.__dict__["code"] for record in caplog.records]
    assert found == codes


def test_large_redirect_is_logged(
    signed_in: Client, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(GROUP_MAPPING=lambda user, request: [f"Group number {n:05}" for n in range(150)])
    response = signed_in.get(URL, headers=NAVIGATION)
    assert 4096 < len(response["Location"]) <= 6144
    [record] = caplog.records
    user = User.objects.get().pk
    assert record.getMessage() == (
        f"The redirect to Metabase for user {user} has {len(response['Location'])} bytes."
        " Redirects of more than 6144 bytes are refused."
    )
    assert record.__dict__["code"] == "large-redirect"


def test_policy_may_say_why(signed_in: Client, configure: Configure) -> None:
    def policy(user: User, request: HttpRequest) -> bool:
        raise PermissionDenied("Confirm your e-mail address first.")

    configure(ACCESS_POLICY=policy)
    assert signed_in.get(FETCH).json()["message"] == "Confirm your e-mail address first."


# return_to


def test_bad_return_to_is_a_page_with_a_way_out(client: Client) -> None:
    response = client.get(f"{URL}?return_to=https://evil.example/", headers=NAVIGATION)
    assert response.status_code == 400
    assert (
        "This link leads to an address in Metabase that is not allowed."
        " It is on a different host than Metabase."
    ) in response.text
    assert '<a href="https://metabase.example.com/" target="_top">' in response.text
    assert_framable(response)


def test_a_template_of_the_project_gets_the_request(
    signed_in: Client, configure: Configure, settings: Settings
) -> None:
    page = "{{ request.path }} {{ status }} {{ code }} {{ message }} {{ metabase_url }}"
    pages = {"django_metabase_sso/refused.html": page}
    [engine] = settings.TEMPLATES
    loaders = [("django.template.loaders.locmem.Loader", pages)]
    options = {**engine["OPTIONS"], "loaders": loaders}
    settings.TEMPLATES = [{**engine, "OPTIONS": options}]
    configure(ACCESS_POLICY=lambda user, request: False)
    assert signed_in.get(URL, headers=NAVIGATION).text == (
        "/sso/metabase 403 policy Your account is not allowed to sign in to Metabase."
        " https://metabase.example.com/"
    )


def test_a_fetch_ignores_return_to(signed_in: Client) -> None:
    assert token_of(signed_in.get(f"{URL}?response=json&return_to=//evil.example"))


# Methods


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "trace"])
def test_other_methods(ada: User, method: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    response = getattr(client, method)(FETCH)
    assert_error(response, 405, "method-not-allowed")
    assert response.json()["message"] == "This address accepts only GET requests."
    assert response["Allow"] == "GET, HEAD, OPTIONS"
    page = getattr(client, method)(URL, headers=NAVIGATION)
    assert page.status_code == 405
    assert_framable(page)


def test_options(client: Client) -> None:
    response = client.options(FETCH)
    assert (response.status_code, response["Allow"]) == (200, "GET, HEAD, OPTIONS")
    assert response.content == b""
    assert response["Content-Type"] == "text/plain"
    assert_safe(response)


def test_head_of_a_fetch_has_the_same_headers_and_no_token(signed_in: Client) -> None:
    got, head = signed_in.get(FETCH), signed_in.head(FETCH)
    assert head.status_code == 200
    assert head.content == b""
    assert head["Content-Length"] == str(len(got.content))
    assert set(head.headers) == set(got.headers)


def test_head_has_no_body_whoever_asks(ada: User, rf: RequestFactory) -> None:
    """The test client takes the body of a HEAD away; a server may not."""
    request = rf.head(FETCH)
    request.user = ada
    assert SSOView.as_view()(request).content == b""


def test_head_of_a_navigation_has_no_token_in_its_location(signed_in: Client) -> None:
    head = signed_in.head(f"{URL}?return_to=/dashboard/1", headers=NAVIGATION)
    assert head.status_code == 302
    assert head["Location"] == (
        "https://metabase.example.com/auth/sso?token=true&return_to=/dashboard/1"
    )


def test_head_of_a_refusal(client: Client) -> None:
    assert client.head(FETCH).status_code == 401


@pytest.mark.parametrize(
    ("header", "purpose"),
    [
        ("Sec-Purpose", "prefetch"),
        ("Sec-Purpose", "prefetch;prerender"),
        ("Sec-Purpose", "Prefetch"),
        ("Purpose", "prefetch"),
        ("X-Moz", "prefetch"),
    ],
)
def test_prefetch_signs_nothing(
    signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries, header: str, purpose: str
) -> None:
    with django_assert_num_queries(0):
        response = signed_in.get(URL, headers={**NAVIGATION, header: purpose})
    assert (response.status_code, response.content) == (503, b"")
    assert_safe(response)


# AUTHENTICATE


@pytest.mark.parametrize(
    ("returned", "kind"),
    [
        ("a-credential-of-the-user", "str"),
        (("a-credential-of-the-user", None), "tuple"),
        (True, "bool"),
        (object(), "object"),
        (0, "int"),
    ],
)
@pytest.mark.parametrize("headers", [{"Accept": "application/json"}, NAVIGATION])
def test_authenticate_returns_no_user(
    signed_in: Client, configure: Configure, returned: object, kind: str, headers: dict[str, str]
) -> None:
    configure(AUTHENTICATE=lambda request: returned)
    message = rf"METABASE_SSO\['AUTHENTICATE'\] returned {kind}\. It must return a user"
    with pytest.raises(ImproperlyConfigured, match=message) as caught:
        signed_in.get(URL, headers=headers)
    assert "credential" not in str(caught.value)


def test_authenticate_gives_the_user_to_every_other_callable(
    client: Client, ada: User, configure: Configure
) -> None:
    seen = []

    def attributes(user: User, request: HttpRequest) -> dict[str, str]:
        seen.append((user, request.user))
        return {}

    configure(AUTHENTICATE=lambda request: ada, USER_ATTRIBUTES=attributes)
    assert decode(token_of(client.get(FETCH)))["email"] == "ada@example.com"
    assert seen == [(ada, ada)]


def test_authenticate_without_an_opinion_leaves_it_to_the_session(
    signed_in: Client, configure: Configure
) -> None:
    configure(AUTHENTICATE=lambda request: None)
    assert token_of(signed_in.get(FETCH))


def test_authenticate_says_nobody_to_somebody_signed_in(
    signed_in: Client, configure: Configure
) -> None:
    configure(AUTHENTICATE=lambda request: AnonymousUser())
    response = signed_in.get(FETCH)
    assert_error(response, 403, "nobody")
    assert (
        response.json()["message"]
        == "You are signed in, but this site does not accept your sign-in for Metabase."
    )
    assert signed_in.get(URL, headers=NAVIGATION).status_code == 403


def test_authenticate_says_nobody_to_nobody(client: Client, configure: Configure) -> None:
    configure(AUTHENTICATE=lambda request: AnonymousUser())
    assert_error(client.get(FETCH), 401, "not-authenticated")
    assert client.get(URL, headers=NAVIGATION).status_code == 302


@pytest.mark.parametrize("key", ["AUTHENTICATE", "ACCESS_POLICY"])
def test_a_callable_that_finds_nobody(signed_in: Client, configure: Configure, key: str) -> None:
    def nobody(*arguments: Any) -> User:
        raise AccessRefused("not-authenticated", "not authenticated")

    configure(**{key: nobody})
    recorder = Recorder()
    with receiving(recorder, token_refused):
        assert_error(signed_in.get(FETCH), 401, "not-authenticated")
        assert signed_in.get(URL, headers=NAVIGATION).status_code == 302
    assert recorder.calls == []


def test_a_bad_credential_does_not_fall_back_to_the_session(
    signed_in: Client, configure: Configure, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def authenticate(request: HttpRequest) -> User:
        raise PermissionDenied("The token has expired.")

    configure(AUTHENTICATE=authenticate)
    with django_assert_num_queries(0):
        response = signed_in.get(FETCH)
    assert_error(response, 401, "invalid-credentials")
    assert response.json()["message"] == "The token has expired."
    assert signed_in.get(URL, headers=NAVIGATION).status_code == 401


def test_a_bad_credential_without_words(signed_in: Client, configure: Configure) -> None:
    def authenticate(request: HttpRequest) -> User:
        raise PermissionDenied

    configure(AUTHENTICATE=authenticate)
    message = signed_in.get(FETCH).json()["message"]
    assert message == "The credentials of this request are not valid."


@pytest.mark.django_db
def test_no_request_user(
    client: Client, ada: User, configure: Configure, settings: Settings
) -> None:
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    with pytest.raises(ImproperlyConfigured, match="AuthenticationMiddleware"):
        client.get(FETCH)
    configure(AUTHENTICATE=lambda request: None)
    assert_error(client.get(FETCH), 401, "not-authenticated")
    configure(AUTHENTICATE=lambda request: AnonymousUser())
    assert_error(client.get(FETCH), 401, "not-authenticated")
    configure(AUTHENTICATE=lambda request: ada)
    assert token_of(client.get(FETCH))


# What goes wrong on the server


PAGE_ERRORS = [Http404, SuspiciousOperation, BadRequest]
CLAIM_KEYS = ["GROUP_MAPPING", "USER_ATTRIBUTES", "TENANT"]


@pytest.mark.parametrize(
    ("key", "error"),
    [
        *((key, error) for key in [*CLAIM_KEYS, "AUTHENTICATE"] for error in PAGE_ERRORS),
        *((key, error) for key in CLAIM_KEYS for error in [PermissionDenied, ValueError]),
        ("AUTHENTICATE", ValueError),
        ("ACCESS_POLICY", Http404),
    ],
)
def test_a_callable_that_raises_is_a_500_and_called_once(
    signed_in: Client, configure: Configure, error: type[Exception], key: str
) -> None:
    calls = []

    def callback(*args: object) -> None:
        calls.append(args)
        raise error("broken")

    configure(**{key: callback})
    signed_in.raise_request_exception = False
    response = signed_in.get(FETCH)
    assert response.status_code == 500
    assert len(calls) == 1


def test_an_exception_with_a_page_of_its_own_keeps_its_cause(
    signed_in: Client, configure: Configure
) -> None:
    def attributes(user: User, request: HttpRequest) -> dict[str, str]:
        raise Http404("no such customer")

    configure(USER_ATTRIBUTES=attributes)
    with pytest.raises(CallableFailed, match="no such customer") as caught:
        signed_in.get(FETCH)
    assert isinstance(caught.value.__cause__, Http404)


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"JWT_SHARED_SECRET": "short"}, "JWT_SHARED_SECRET"),
        ({"INSTANCE_URL": "metabase.example.com"}, "INSTANCE_URL"),
        ({"INSTANCE_ULR": "https://metabase.example.com"}, "INSTANCE_ULR"),
        ({"ALLOWED_ORIGINS": ["*"]}, "ALLOWED_ORIGINS"),
        ({"ALLOWED_ORIGINS": ["https://app.example.com/"]}, "ALLOWED_ORIGINS"),
    ],
)
@pytest.mark.parametrize("origin", [{}, {"Origin": "https://app.example.com"}])
def test_bad_settings_are_one_error_that_names_the_key(
    signed_in: Client,
    configure: Configure,
    caplog: pytest.LogCaptureFixture,
    config: dict[str, Any],
    key: str,
    origin: dict[str, str],
) -> None:
    configure(**{"ALLOWED_ORIGINS": ["https://app.example.com"], **config})
    with pytest.raises(ImproperlyConfigured, match=key):
        signed_in.get(URL, headers={**NAVIGATION, "Sec-Fetch-Mode": "navigate", **origin})
    errors = [record for record in caplog.records if record.exc_info]
    assert len(errors) == 1


# Extension


class RegionView(SSOView):
    def authenticate(self, request: HttpRequest) -> Any:
        return User.objects.get(username="ada")

    def get_claims(self, user: User, request: HttpRequest) -> dict[str, Any]:
        return {**super().get_claims(user, request), "region": "north"}


urlpatterns = [path("own/", RegionView.as_view())]


@pytest.mark.parametrize("view", [SSOView, GuestTokenView, RegionView])
def test_a_path_of_the_projects_own(settings: Settings, view: type[Endpoint]) -> None:
    """As good as ours: no login page, no CSRF token, no CORS headers of the project."""
    settings.CORS_ALLOW_ALL_ORIGINS = True
    login_required = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, login_required]
    settings.ROOT_URLCONF = (path("enter/", view.as_view()),)
    client = Client(enforce_csrf_checks=True)
    for method in ("get", "post"):
        response = getattr(client, method)("/enter/", headers={"Origin": "https://evil.example"})
        assert response.status_code in (403, 405)
        assert response.json()["code"] in ("origin-not-allowed", "method-not-allowed")
        assert "Access-Control-Allow-Origin" not in response
        assert_safe(response)


@pytest.mark.django_db
@pytest.mark.urls("tests.test_views")
def test_subclass(client: Client, ada: User) -> None:
    claims = decode(token_of(client.get("/own/")))
    assert (claims["email"], claims["region"]) == ("ada@example.com", "north")
    assert claims["exp"] - claims["iat"] == 600


# ASGI


@async_to_sync
async def check_asgi(async_client: AsyncClient) -> None:
    user = await User.objects.acreate(username="ada", email="ada@example.com")
    origin = {"Origin": "https://app.example.com"}
    anonymous = await async_client.get(FETCH, headers=origin)
    assert_error(anonymous, 401, "not-authenticated")
    assert anonymous["Access-Control-Allow-Origin"] == "https://app.example.com"
    await async_client.aforce_login(user)
    assert decode(token_of(await async_client.get(FETCH, headers=origin)))
    location = (await async_client.get(f"{URL}?return_to=/a?b=c&d=e", headers=NAVIGATION))[
        "Location"
    ]
    assert location.endswith("return_to=/a%3Fb%3Dc%26d%3De")


@pytest.mark.django_db
def test_asgi(async_client: AsyncClient, configure: Configure) -> None:
    configure(ALLOWED_ORIGINS=["https://app.example.com"])
    check_asgi(async_client)
