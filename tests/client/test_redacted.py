"""No token, no session and no secret in a log, an exception or an error page."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from django_metabase_sso.client import MetabaseClient, MetabaseError, agent_headers
from django_metabase_sso.conf.secrets import Secret
from django_metabase_sso.exceptions import BadSetting
from django_metabase_sso.signals import token_issued
from tests.helpers.configure import Configure
from tests.helpers.redaction import assert_clean
from tests.helpers.signals import receiving
from tests.helpers.twins import Serve, Sync, Transport
from tests.servers.faulty import BAD_GATEWAY, CLOSED, HALF, HANG, HTML, SESSION, SIGNED_IN, answer

UNAUTHENTICATED = answer("Unauthenticated", "401 Unauthorized")
ECHO = answer(f'{{"message": "no session {SESSION}"}}', "400 Bad Request")


@pytest.mark.parametrize("before", [(), (SIGNED_IN,)])
@pytest.mark.parametrize(
    "given", [HANG, HTML, BAD_GATEWAY, HALF, CLOSED, UNAUTHENTICATED, ECHO, b"nonsense"]
)
def test_errors(
    twin: Sync,
    serve: Serve,
    ada: User,
    rf: RequestFactory,
    everything_logged: Callable[[], str],
    given: bytes,
    before: tuple[bytes, ...],
) -> None:
    answers = [*before, given, *before, given]
    serve(*answers)
    with pytest.raises(MetabaseError) as caught:
        twin.call(ada, "/api/dashboard", "POST", timeout=0.5 if given == HANG else 10)
    error = caught.value
    assert error.__traceback__
    # Without this test's own frame, which has the answers.
    error.__traceback__ = error.__traceback__.tb_next
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    reporter = ExceptionReporter(rf.get("/"), type(error), error, error.__traceback__)
    for text in (
        str(error),
        repr([error, error.args, vars(error)]),
        "".join(lines),
        reporter.get_traceback_text(),
        reporter.get_traceback_html(),
        everything_logged(),
    ):
        assert_clean(text, *([SESSION] if answers[0] == SIGNED_IN else []))


def shown(value: object) -> str:
    """Return a local variable as error trackers send it: cut, copied and decoded before `repr`."""
    if isinstance(value, dict):
        return "".join(map(shown, [*value, *value.values()]))
    if isinstance(value, list | tuple):
        return "".join(map(shown, value))
    if isinstance(value, bytes):
        return value[:80].decode(errors="replace")
    return str(value)[:80] if isinstance(value, str) else repr(value)


def variables(error: BaseException) -> str:
    """Return the local variables of the package's frames of an error and what it came from."""
    found = ""
    each: BaseException | None = error
    while each is not None:
        for frame, _ in traceback.walk_tb(each.__traceback__):
            if "django_metabase_sso" in frame.f_code.co_filename:
                found += "".join(map(shown, frame.f_locals.values()))
        each = each.__cause__ or each.__context__
    return found


def fail(*args: Any, **kwargs: Any) -> None:
    raise LookupError("broken")


def test_shown() -> None:
    assert shown({"a": [b"b" * 99, Secret(b"c")]}) == "a" + "b" * 80 + "<Secret>"


def test_a_receiver_that_raises(twin: Sync, serve: Serve, ada: User) -> None:
    serve(SIGNED_IN)
    with receiving(fail, token_issued), pytest.raises(LookupError) as caught:
        twin.call(ada, "/api/dashboard")
    assert "sign_in" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert_clean(variables(caught.value))


def test_a_receiver_that_raises_for_the_agent(ada: User) -> None:
    with receiving(fail, token_issued), pytest.raises(LookupError) as caught:
        agent_headers(ada)
    assert_clean(variables(caught.value))


def test_a_token_that_cannot_be_signed_is_not_announced(ada: User, configure: Configure) -> None:
    configure(JWT_SHARED_SECRET="ssh-rsa " + "A" * 40)
    with receiving(fail, token_issued), pytest.raises(BadSetting, match="public key"):
        agent_headers(ada)


def test_a_callable_that_raises_when_the_session_was_rejected(
    twin: Sync, serve: Serve, ada: User, configure: Configure
) -> None:
    asked: list[Any] = []

    def attributes(user: Any, request: Any) -> dict[str, str]:
        asked.append(user)
        if len(asked) == 2:
            fail()
        return {}

    serve(SIGNED_IN, UNAUTHENTICATED)
    configure(USER_ATTRIBUTES=attributes)
    with pytest.raises(LookupError) as caught:
        twin.call(ada, "/api/dashboard")
    assert_clean(variables(caught.value), SESSION)


@pytest.mark.parametrize("given", [UNAUTHENTICATED, ECHO, BAD_GATEWAY, CLOSED, b"nonsense"])
def test_variables_of_an_error(twin: Sync, serve: Serve, ada: User, given: bytes) -> None:
    serve(SIGNED_IN, given, SIGNED_IN, given)
    with pytest.raises(MetabaseError) as caught:
        twin.call(ada, "/api/dashboard", "POST")
    assert_clean(variables(caught.value), SESSION)


def test_a_success(twin: Sync, serve: Serve, ada: User, everything_logged: Any) -> None:
    serve(SIGNED_IN, answer("[]"))
    response = twin.call(ada, "/api/dashboard")
    assert "HTTP Request: GET" in everything_logged()
    assert_clean(everything_logged(), SESSION)
    assert_clean(repr(vars(response)) + repr(vars(response.request)), SESSION)


def test_the_client(ada: User) -> None:
    with MetabaseClient(ada, transport=Transport()) as client:
        client.get("/api/dashboard")
        assert_clean(repr(vars(client)) + repr(vars(client._store)), SESSION)
