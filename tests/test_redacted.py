"""No secret and no token in a log, an exception, a `repr` or an error page."""

from __future__ import annotations

import copy
import pickle
import pprint
import reprlib
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import django
import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.test import Client
from pytest_django import Settings

from django_metabase_sso.client import agent_headers
from django_metabase_sso.conf import conf
from django_metabase_sso.signals import token_issued
from django_metabase_sso.tokens import Token, guest_token, issue_token
from tests.helpers.configure import Configure
from tests.helpers.redaction import JWT, PEM, assert_clean
from tests.helpers.signals import receiving
from tests.helpers.sso import FETCH, NAVIGATION, URL
from tests.helpers.tokens import token_of
from tests.settings import EMBEDDING_SECRET, SECRET


def test_reprs(ada: User) -> None:
    token = issue_token(ada)
    assert JWT.fullmatch(token)
    assert repr(token) == "<Token>"
    for shown in (repr([token]), pprint.pformat({"t": token}), f"{token!r}"):
        assert_clean(shown)
        assert "<Token>" in shown
    secret = conf.JWT_SHARED_SECRET
    assert secret.reveal() == SECRET.encode()
    for shown in (repr(secret), pprint.pformat([secret]), str(secret)):
        assert shown in ("<Secret>", "[<Secret>]")


def test_parts_of_a_token_hide_as_well() -> None:
    token = Token("abcdefghij" * 20)
    parts = (
        token[:80],
        token[-3:],
        token[0],
        token[:9] + "..." + token[-9:],
        "..." + token,
        token + "",
    )
    for part in (*parts, copy.copy(token), copy.deepcopy([token])[0]):
        assert repr(part) == "<Token>"
    # As structlog, rich and reprlib cut it.
    assert f"{token[:80]!r}+120" == "<Token>+120"
    assert reprlib.repr([token, {"a": token}]) == "[<Token>, {'a': <Token>}]"
    assert "..." + token[:3] == "...abc"
    for other in (1, None):
        with pytest.raises(TypeError):
            token + other  # type: ignore[operator]
        with pytest.raises(TypeError):
            other + token  # type: ignore[operator]


def test_a_token_is_a_str_in_every_other_respect(ada: User) -> None:
    token = issue_token(ada)
    assert isinstance(token, str)
    assert f"{token}" == "".join(token) == str(token)
    assert type(str(token)) is str  # a header of wsgiref has to be one
    assert pickle.loads(pickle.dumps(token)) == token
    assert Token("a") + "b" == "ab"


@pytest.mark.parametrize("headers", [{}, NAVIGATION])
def test_reprs_of_responses(signed_in: Client, headers: dict[str, str]) -> None:
    response = signed_in.get(URL, headers=headers)
    assert token_of(response)
    assert_clean(repr(response))


def test_logs_of_a_success(signed_in: Client, everything_logged: Callable[[], str]) -> None:
    token_of(signed_in.get(FETCH))
    token_of(signed_in.get(URL, headers=NAVIGATION))
    assert_clean(everything_logged())


class Fails:
    """Middleware that fails with the response in a local variable."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        raise RuntimeError(f"failed with {response!r}")


def broken(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError("broken")


def break_receiver(settings: Settings) -> None:
    token_issued.connect(broken)


def break_middleware(settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.test_redacted.Fails"]


def set_keys(**values: Any) -> Callable[[Settings], None]:
    def change(settings: Settings) -> None:
        settings.METABASE_SSO = {**settings.METABASE_SSO, **values}

    return change


def bad_dict(settings: Settings) -> None:
    settings.METABASE_SSO = None


def same_as_django(settings: Settings) -> None:
    settings.SECRET_KEY_FALLBACKS = [SECRET]


def many_groups(settings: Settings) -> None:
    # Refused after signing, and then the page for it cannot be made.
    names = [f"Group number {number:05}" for number in range(300)]
    set_keys(GROUP_MAPPING=lambda user, request: names)(settings)
    settings.TEMPLATES = []


BREAKS: dict[str, Callable[[Settings], None]] = {
    "receiver": break_receiver,
    "middleware": break_middleware,
    "callable": set_keys(USER_ATTRIBUTES=broken),
    "claim": set_keys(USER_ATTRIBUTES=lambda user, request: {"a": [1]}),
    "unknown key": set_keys(JWT_SECRET=SECRET),
    "short secret": set_keys(JWT_SHARED_SECRET=SECRET[:20]),
    "public key": set_keys(JWT_SHARED_SECRET=PEM),
    "not UTF-8": set_keys(JWT_SHARED_SECRET=SECRET + "\ud83d"),
    "bytes": set_keys(JWT_SHARED_SECRET=SECRET.encode()),
    "bytes from a callable": set_keys(JWT_SHARED_SECRET=SECRET.encode),
    "no dict": bad_dict,
    "SECRET_KEY": same_as_django,
    "origin": set_keys(ALLOWED_ORIGINS=["*"]),
    "lifetime": set_keys(TOKEN_LIFETIME=0),
    "too large": many_groups,
}


@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("headers", [{"Accept": "application/json"}, NAVIGATION])
def test_error_pages_logs_and_tracebacks(
    signed_in: Client,
    settings: Settings,
    everything_logged: Callable[[], str],
    mailoutbox: list[EmailMessage],
    name: str,
    debug: bool,
    headers: dict[str, str],
) -> None:
    settings.DEBUG = debug
    root = "root@example.com"
    settings.ADMINS = [root] if django.VERSION >= (6, 0) else [("Root", root)]
    BREAKS[name](settings)
    signed_in.raise_request_exception = False
    try:
        response: Any = signed_in.get(URL, headers=headers)
    finally:
        token_issued.disconnect(broken)
    if name == "too large" and headers != NAVIGATION:
        assert response.status_code == 200
        return
    assert response.status_code == 500
    assert_clean(response.text, SECRET[:20])
    assert_clean(everything_logged(), SECRET[:20])
    assert bool(mailoutbox) is not debug
    assert all(
        JWT.search(str(mail.body)) is None and SECRET not in mail.body for mail in mailoutbox
    )
    exception = response.exc_info[1]
    assert_clean("".join(traceback.format_exception(exception)), SECRET[:20])
    locals_shown = traceback.TracebackException.from_exception(exception, capture_locals=True)
    frames = [frame for frame in locals_shown.stack if "django_metabase_sso" in frame.filename]
    assert_clean(repr([frame.locals for frame in frames]), SECRET[:20])


def contents(value: object) -> Iterator[str]:
    """Yield what a tracker could show of a variable that does not ask for its `repr`."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        for entry in value:
            yield from contents(entry)
    elif isinstance(value, bytes | bytearray):
        yield value.decode(errors="replace")
    else:
        yield str(value) if isinstance(value, str) else repr(value)


def assert_frames_are_clean(error: BaseException, *secrets: str) -> None:
    """Look at all variables of all frames between the project's code and this test."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert any("django_metabase_sso" in frame.f_code.co_filename for frame in frames)
    for frame in frames:
        if frame.f_code.co_filename != __file__:
            assert_clean("\n".join(contents(frame.f_locals)), *secrets)


WAYS: dict[str, Callable[[Client, User], Any]] = {
    "fetch": lambda client, user: client.get(FETCH),
    "redirect": lambda client, user: client.get(URL, headers=NAVIGATION),
    "issue_token": lambda client, user: issue_token(user),
    "agent_headers": lambda client, user: agent_headers(user),
}


@pytest.mark.parametrize("way", WAYS)
def test_frames_of_a_receiver_that_raises(signed_in: Client, ada: User, way: str) -> None:
    with receiving(broken, token_issued), pytest.raises(RuntimeError, match="broken") as caught:
        WAYS[way](signed_in, ada)
    assert_frames_are_clean(caught.value)


CALLABLES = ("GROUP_MAPPING", "USER_ATTRIBUTES", "TENANT", "ACCESS_POLICY", "JWT_SHARED_SECRET")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", CALLABLES)
def test_frames_of_a_callable_that_raises(
    signed_in: Client, ada: User, configure: Configure, way: str, key: str
) -> None:
    configure(**{"EMBEDDING_SECRET_KEY": EMBEDDING_SECRET, key: broken})
    with pytest.raises(RuntimeError, match="broken") as caught:
        WAYS[way](signed_in, ada)
    assert_frames_are_clean(caught.value, EMBEDDING_SECRET)


def test_frames_of_a_secret_that_cannot_be_compared(configure: Configure) -> None:
    """The one is in hand when the callable for the other raises."""
    configure(JWT_SHARED_SECRET=broken, EMBEDDING_SECRET_KEY=EMBEDDING_SECRET)
    with pytest.raises(RuntimeError, match="broken") as caught:
        guest_token("dashboard", 1, {})
    assert_frames_are_clean(caught.value, EMBEDDING_SECRET)


class BreaksChecks:
    """Raises when `inspect.signature` reads it."""

    def __call__(self, user: object, request: object) -> bool:
        raise AssertionError

    @property
    def __signature__(self) -> Any:
        raise RuntimeError("broken")


def test_frames_of_a_check_that_raises(configure: Configure) -> None:
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET, ACCESS_POLICY=BreaksChecks())
    with pytest.raises(RuntimeError, match="broken") as caught:
        run_checks(include_deployment_checks=True)
    assert_frames_are_clean(caught.value, EMBEDDING_SECRET)
