"""What a request costs: settings, callables, the origin, the URL and headers, each once."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from corsheaders.middleware import CorsMiddleware
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path, register_converter
from django.urls.converters import StringConverter
from jwt.algorithms import HMACAlgorithm
from pytest_django import Settings

from django_metabase_sso.conf.secrets import Secret
from django_metabase_sso.conf.settings import Snapshot
from django_metabase_sso.http.responses import SSOResponse
from django_metabase_sso.tokens import issue_token, signed
from django_metabase_sso.views import SSOView
from tests.helpers.configure import Configure
from tests.helpers.cors import APP, assert_open, preflight
from tests.helpers.sso import FETCH, NAVIGATION, SAFE_HEADERS, URL
from tests.helpers.tokens import token_of
from tests.settings import SECRET

GUEST_SECRET = "guest-secret-of-thirty-two-bytes-0"
GUEST = f"{URL}/guest-token"
PUBLIC = "tests.test_views_cost.Public"


class CountingDict(dict[str, Any]):
    """Settings that count how often each of them is read."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.counted: Counter[str] = Counter()

    def __getitem__(self, key: str) -> Any:
        self.counted[key] += 1
        return super().__getitem__(key)


def allow(request: HttpRequest, kind: str, number: int, context: Any) -> dict[str, Any]:
    return {}


@pytest.fixture
def counted(configure: Configure, settings: Settings, ada: User) -> Counter[str]:
    configure(
        ALLOWED_ORIGINS=[APP],
        EMBEDDING_SECRET_KEY=GUEST_SECRET,
        GROUP_MAPPING="django_metabase_sso.claims.django_groups",
        LOGIN_URL="/enter/",
        REQUIRE_UNIQUE_EMAIL=True,
        GUEST_PARAMS=allow,
        TOKEN_LIFETIME=60,
        REDIRECT_PARAMS={},
        AUTHENTICATE=lambda request: None,
        TENANT=lambda user, request: "acme",
        TENANT_ATTRIBUTES=lambda user, request: {"plan": "free"},
    )
    settings.METABASE_SSO = CountingDict(settings.METABASE_SSO)
    found: Counter[str] = settings.METABASE_SSO.counted
    return found


def guest(client: Client) -> Any:
    body = {"entityType": "dashboard", "entityId": 1}
    headers = {"Origin": APP}
    return client.post(GUEST, body, content_type="application/json", headers=headers)


ASKED: dict[str, tuple[int, Callable[[Client], Any]]] = {
    "fetch": (200, lambda client: client.get(FETCH, headers={"Origin": APP})),
    "same origin": (200, lambda client: client.get(FETCH)),
    "navigation": (302, lambda client: client.get(URL, headers=NAVIGATION)),
    "HEAD": (302, lambda client: client.head(URL, headers=NAVIGATION)),
    "page": (400, lambda client: client.get(f"{URL}?return_to=//x", headers=NAVIGATION)),
    "preflight": (200, lambda client: preflight(client, APP)),
    "guest token": (200, guest),
}


@pytest.mark.parametrize("way", ASKED)
def test_each_setting_is_read_once(signed_in: Client, counted: Counter[str], way: str) -> None:
    status, ask = ASKED[way]
    assert ask(signed_in).status_code == status
    assert counted["ALLOWED_ORIGINS"] == 1
    assert {key: times for key, times in counted.items() if times > 1} == {}


def test_each_setting_is_read_once_for_nobody(client: Client, counted: Counter[str]) -> None:
    assert client.get(FETCH, headers={"Origin": APP}).status_code == 401
    assert client.get(URL, headers=NAVIGATION).status_code == 302
    assert counted["LOGIN_URL"] == 1
    assert counted["ALLOWED_ORIGINS"] == 2  # two requests
    assert counted["JWT_SHARED_SECRET"] == 0


def test_each_setting_is_read_once_in_code(ada: User, counted: Counter[str]) -> None:
    assert issue_token(ada)
    assert set(counted.values()) == {1}


def test_each_secret_is_examined_once(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    examined: list[bytes] = []
    prepare_key = HMACAlgorithm.prepare_key

    def noting(self: HMACAlgorithm, key: bytes) -> bytes:
        examined.append(key)
        return prepare_key(self, key)

    monkeypatch.setattr(HMACAlgorithm, "prepare_key", noting)
    secrets = [b"the first of two secrets that are rotated", b"the second of two secrets, rotated"]
    for secret in secrets * 2:
        assert signed({"email": ada.email}, Secret(secret), "JWT_SHARED_SECRET")
    assert examined == secrets


@pytest.mark.parametrize("way", ["view", "code"])
def test_callables_are_asked_once_a_token(
    signed_in: Client, ada: User, configure: Configure, way: str
) -> None:
    asked: Counter[str] = Counter()

    def answering(name: str, answer: Any) -> Callable[..., Any]:
        def function(*arguments: Any) -> Any:
            asked[name] += 1
            return answer

        return function

    answers: dict[str, Any] = {
        "JWT_SHARED_SECRET": SECRET,
        "ACCESS_POLICY": True,
        "GROUP_MAPPING": ["Sales"],
        "USER_ATTRIBUTES": {"region": "north"},
        "TENANT": "acme",
        "TENANT_ATTRIBUTES": {"plan": "free"},
        **({"AUTHENTICATE": None} if way == "view" else {}),
    }
    configure(**{name: answering(name, answer) for name, answer in answers.items()})
    assert token_of(signed_in.get(FETCH)) if way == "view" else issue_token(ada)
    assert asked == dict.fromkeys(answers, 1)


# The snapshot of the settings


class Watched(SSOView):
    """Remembers the snapshot of its request without keeping it."""

    seen: ClassVar[list[weakref.ref[Any]]] = []

    def get_claims(self, user: User, request: HttpRequest) -> dict[str, Any]:
        assert isinstance(self.conf, Snapshot)
        assert not any(isinstance(value, Snapshot) for value in vars(request).values())
        self.seen.append(weakref.ref(self.conf))
        return super().get_claims(user, request)


def test_the_snapshot_ends_with_the_view(signed_in: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = (path("own/", Watched.as_view()),)
    gc.disable()  # it ends by itself, and not when Python looks for circles
    try:
        response = signed_in.get("/own/?response=json")
        assert token_of(response)
        assert Watched.seen.pop()() is None
    finally:
        gc.enable()


def test_a_refusal_leaves_no_circle(client: Client) -> None:
    """Its traceback would hold the request and everything about it."""
    client.get(FETCH)
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        client.get(FETCH)
        gc.collect()
        kinds = {type(found).__name__ for found in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert "traceback" not in kinds


# django-cors-headers


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths whose `Origin` django-cors-headers has looked at."""
    found: list[str] = []
    add_response_headers = CorsMiddleware.add_response_headers

    def noting(self: CorsMiddleware, request: HttpRequest, response: HttpResponse) -> Any:
        before = "headers" in vars(request)
        add_response_headers(self, request, response)
        if "headers" in vars(request) and not before:  # it has read all headers of the request
            found.append(request.path)
        return response

    monkeypatch.setattr(CorsMiddleware, "add_response_headers", noting)
    return found


def test_django_cors_headers_is_asked_for_the_first_preflight(
    client: Client, configure: Configure, asked: list[str]
) -> None:
    configure(ALLOWED_ORIGINS=[APP])
    for _ in range(3):
        assert_open(preflight(client, APP))
    assert asked == [URL]


def test_django_cors_headers_is_not_asked_for_a_response(
    client: Client, configure: Configure, asked: list[str]
) -> None:
    configure(ALLOWED_ORIGINS=[APP])
    for address in (FETCH, GUEST, "/other/"):
        client.get(address, headers={"Origin": APP})
    assert asked == ["/other/"]


# The URL and the headers


class Counted(StringConverter):
    """A part of a path that counts how often it is resolved."""

    times = 0

    def to_python(self, value: str) -> str:
        Counted.times += 1
        return value


register_converter(Counted, "counted")


@pytest.mark.parametrize("ask", ["preflight", "get"])
def test_the_url_is_resolved_once(
    client: Client, settings: Settings, configure: Configure, ask: str
) -> None:
    configure(ALLOWED_ORIGINS=[APP])
    settings.ROOT_URLCONF = (path("<counted:x>/", include("django_metabase_sso.urls")),)
    Counted.times = 0
    if ask == "preflight":
        response = preflight(client, APP)
    else:
        response = client.get(FETCH, headers={"Origin": APP})
    assert_open(response)
    assert Counted.times == 1


class Noted(SSOResponse):
    """An answer that notes which headers are set after it was made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.noted: list[str] = []
        super().__init__(*args, **kwargs)

    def __setitem__(self, name: str, value: Any) -> None:
        self.noted.append(name)
        super().__setitem__(name, value)


class NotedView(SSOView):
    def answer(self, request: HttpRequest) -> SSOResponse:
        return Noted(b"{}", content_type="application/json")


def test_headers_are_set_once(client: Client, settings: Settings, configure: Configure) -> None:
    configure(ALLOWED_ORIGINS=[APP])
    settings.ROOT_URLCONF = (path("sso/metabase", NotedView.as_view()),)
    response: Any = client.get(FETCH, headers={"Origin": APP})
    assert_open(response)
    names = Counter(name.lower() for name in response.noted)
    assert names["access-control-allow-origin"] == names["access-control-allow-credentials"] == 1
    assert not {name.lower() for name in SAFE_HEADERS} & names.keys()


class Public:
    """Lets everybody keep each answer, as a careless middleware does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Cache-Control"] = "public, max-age=600"
        del response["Referrer-Policy"]
        response["Vary"] = "Accept-Language"
        return response


@pytest.mark.parametrize("origin", [{"Origin": APP}, {}])
def test_what_a_middleware_below_changed_is_set_again(
    signed_in: Client, settings: Settings, configure: Configure, origin: dict[str, str]
) -> None:
    configure(ALLOWED_ORIGINS=[APP])
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:2], PUBLIC, *settings.MIDDLEWARE[2:]]
    response = signed_in.get(FETCH, headers=origin)
    assert token_of(response)
    for name, value in SAFE_HEADERS.items():
        assert response[name] == value
    assert {"accept-language", "cookie", "origin"} == set(response["Vary"].lower().split(", "))
