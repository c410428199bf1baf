"""What structlog, rich and Sentry print of the local variables of a frame: no secret, no token.

They cut strings before they call `repr`, look into containers, and each does so in its own way.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.test import Client
from rich.console import Console
from rich.traceback import Traceback
from sentry_sdk import Client as Sentry
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from sentry_sdk.utils import event_from_exception
from structlog.tracebacks import ExceptionDictTransformer

from django_metabase_sso.client import agent_headers
from django_metabase_sso.conf import conf
from django_metabase_sso.signals import token_issued
from django_metabase_sso.tokens import guest_token, issue_token, sign
from tests.helpers.configure import Configure
from tests.helpers.redaction import assert_clean
from tests.helpers.signals import receiving
from tests.helpers.sso import FETCH, NAVIGATION, URL
from tests.settings import EMBEDDING_SECRET, SECRET

LONGEST_PART = 20  # characters of a secret or token that may not be seen in a row
Printed = Callable[[BaseException], str]


def rich(error: BaseException) -> str:
    console = Console(file=io.StringIO(), width=400)
    for most in (80, None):
        console.print(
            Traceback.from_exception(
                type(error),
                error,
                error.__traceback__,
                show_locals=True,
                locals_max_string=most,  # type: ignore[arg-type]
                locals_hide_dunder=False,
            )
        )
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def structlog(error: BaseException) -> str:
    exc_info = (type(error), error, error.__traceback__)
    printed = [
        ExceptionDictTransformer(show_locals=True, use_rich=use_rich, locals_max_string=most)(
            exc_info
        )
        for use_rich in (True, False)
        for most in (80, sys.maxsize)
    ]
    return json.dumps(printed)


class KeptTransport(Transport):
    """Keeps what Sentry would send."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Any] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.kept.append(envelope.get_event())


def sentry(error: BaseException) -> str:
    transport = KeptTransport()
    client = Sentry(
        dsn="https://public@sentry.example/1",
        transport=transport,
        default_integrations=False,
        include_local_variables=True,
    )
    event, hint = event_from_exception(error, client_options=client.options)
    client.capture_event(event, hint)
    (kept,) = transport.kept
    return json.dumps(kept)


TRACKERS: dict[str, Printed] = {"rich": rich, "structlog": structlog, "sentry": sentry}


def parts(secret: str) -> set[str]:
    return {secret[at : at + LONGEST_PART] for at in range(len(secret) - LONGEST_PART + 1)}


def assert_hidden(printed: str, *secrets: str) -> None:
    assert "django_metabase_sso" in printed or "test_redacted_trackers" in printed
    assert_clean(printed)
    assert "ey" + "J" not in printed  # how a token begins; one that was cut is not a JWT
    assert not any(part in printed for secret in secrets for part in parts(secret))


def broken(*args: Any, **kwargs: Any) -> NoReturn:
    raise RuntimeError("broken")


SIGNED: list[str] = []  # a local variable would be printed


def broken_receiver(claims: dict[str, Any], **kwargs: Any) -> NoReturn:
    SIGNED.append(str(sign(claims)))  # the token that is about to be sent
    broken()


class Broken:
    """Raises when it is called, and when `inspect.signature` reads it, as a check does."""

    @property
    def __signature__(self) -> Any:
        raise RuntimeError("broken")

    __call__ = broken


WAYS: dict[str, Callable[[Client, User], Any]] = {
    "fetch": lambda client, user: client.get(FETCH),
    "redirect": lambda client, user: client.get(URL, headers=NAVIGATION),
    "issue_token": lambda client, user: issue_token(user),
    "agent_headers": lambda client, user: agent_headers(user),
}


def check(client: Client, user: User) -> None:
    run_checks(include_deployment_checks=True)


@pytest.fixture(params=TRACKERS)
def printed(request: pytest.FixtureRequest) -> Printed:
    return TRACKERS[request.param]


def test_the_trackers_print_local_variables(printed: Printed) -> None:
    """Otherwise the tests below could not fail."""
    visible = "a variable".upper()  # source code is printed as well
    with pytest.raises(RuntimeError) as caught:
        broken(visible)
    assert visible in printed(caught.value)


@pytest.mark.parametrize("way", WAYS)
def test_a_receiver_that_raises(
    signed_in: Client, ada: User, configure: Configure, printed: Printed, way: str
) -> None:
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET)
    SIGNED.clear()
    with (
        receiving(broken_receiver, token_issued),
        pytest.raises(RuntimeError, match="broken") as caught,
    ):
        WAYS[way](signed_in, ada)
    assert_hidden(printed(caught.value), SECRET, EMBEDDING_SECRET, *SIGNED)
    assert len(SIGNED) == 1


@pytest.mark.parametrize("way", ["fetch", "issue_token", "checks"])
@pytest.mark.parametrize("key", ["GROUP_MAPPING", "ACCESS_POLICY", "JWT_SHARED_SECRET"])
def test_a_callable_or_a_check_that_raises(
    signed_in: Client, ada: User, configure: Configure, printed: Printed, way: str, key: str
) -> None:
    configure(**{"EMBEDDING_SECRET_KEY": EMBEDDING_SECRET, key: Broken()})
    with pytest.raises(RuntimeError, match="broken") as caught:
        {**WAYS, "checks": check}[way](signed_in, ada)
    assert_hidden(printed(caught.value), SECRET, EMBEDDING_SECRET)


def test_a_token_in_a_variable_of_the_project(
    ada: User, configure: Configure, printed: Printed
) -> None:
    configure(EMBEDDING_SECRET_KEY=EMBEDDING_SECRET)

    def view() -> None:
        token, guest = issue_token(ada), guest_token("dashboard", 1, {})
        secret = conf.JWT_SHARED_SECRET
        SIGNED[:] = str(token), str(guest)
        kept = {"token": token, "guest": [guest], "both": (token, secret)}
        broken(token, kept, guest=guest)

    with pytest.raises(RuntimeError, match="broken") as caught:
        view()
    assert_hidden(printed(caught.value), SECRET, EMBEDDING_SECRET, *SIGNED)
