"""`require_mfa`, the whole way through the views of django-allauth's own second factor."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from pytest_django import Settings

from django_metabase_sso.contrib.allauth import require_mfa
from tests.helpers.configure import Configure
from tests.helpers.findings import messages
from tests.helpers.sso import FETCH, assert_error
from tests.helpers.tokens import decode, token_of

POLICY = "django_metabase_sso.contrib.allauth.require_mfa"
PASSWORD = "correct-horse-battery"
SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def policy(configure: Configure) -> None:
    configure(ACCESS_POLICY=POLICY)
    cache.clear()  # allauth accepts each code once


@pytest.fixture
def ada(db: None) -> User:
    """Ada, who has an app for codes and a list of codes for when it is lost."""
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP

    user = User.objects.create_user("ada", "ada@example.com", PASSWORD)
    TOTP.activate(user, SECRET)
    RecoveryCodes.activate(user)
    return user


def sign_in(client: Client, username: str = "ada") -> Any:
    return client.post("/accounts/login/", {"login": username, "password": PASSWORD})


def code_of_the_app() -> str:
    from allauth.mfa.totp.internal import auth

    now = list(auth.yield_hotp_counters_from_time())[-1]
    return str(auth.format_hotp_value(auth.hotp_value(SECRET, now)))


def code_of_the_list(user: User) -> str:
    from allauth.mfa.models import Authenticator

    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().generate_codes()
    return str(codes[0])


def confirm(client: Client, code: str, path: str = "authenticate") -> int:
    return client.post(f"/accounts/2fa/{path}/", {"code": code}).status_code


def assert_refused(client: Client, words: str = "Sign in with your second factor first.") -> None:
    response = client.get(FETCH)
    assert_error(response, 403, "policy")
    assert words in response.json()["message"]


@pytest.mark.parametrize("kind", ["app", "list"])
def test_the_second_factor_opens(client: Client, ada: User, kind: str) -> None:
    assert sign_in(client)["Location"].startswith("/accounts/2fa/authenticate/")
    assert_error(client.get(FETCH), 401, "not-authenticated")
    code = code_of_the_app() if kind == "app" else code_of_the_list(ada)
    assert confirm(client, code) == 302
    assert decode(token_of(client.get(FETCH)))["email"] == "ada@example.com"


def test_a_wrong_code_does_not(client: Client, ada: User) -> None:
    sign_in(client)
    assert confirm(client, "000000") == 200
    assert_error(client.get(FETCH), 401, "not-authenticated")


def test_a_password_alone_does_not(client: Client, db: None) -> None:
    User.objects.create_user("bob", "bob@example.com", PASSWORD)
    assert sign_in(client, "bob").status_code == 302
    assert_refused(client)


def test_another_way_to_sign_in_does_not(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert_refused(client)


def test_confirming_it_later_does(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert confirm(client, code_of_the_app(), "reauthenticate") == 302
    token_of(client.get(FETCH))


def test_a_trusted_browser_does_not(client: Client, ada: User, settings: Settings) -> None:
    settings.MFA_TRUST_ENABLED = True
    from allauth.mfa.internal.flows import trust

    cookie = trust.encode_trust_cookie(
        [trust.IssuedTrust(trust.create_config_fingerprint(ada), 2**33)]
    )
    client.cookies["mfa_trusted"] = cookie
    assert sign_in(client)["Location"] == "/accounts/profile/"
    assert_refused(client)


def test_a_factor_that_is_gone(client: Client, ada: User) -> None:
    from allauth.mfa.models import Authenticator

    sign_in(client)
    confirm(client, code_of_the_app())
    Authenticator.objects.filter(user=ada).delete()
    assert_refused(client)


def test_somebody_elses_session(client: Client, ada: User, configure: Configure) -> None:
    """A user from a header gains nothing by the second factor of the session's user."""
    bob = User.objects.create_user("bob", "bob@example.com", PASSWORD)
    sign_in(client)
    confirm(client, code_of_the_app())
    configure(AUTHENTICATE=lambda request: bob)
    assert_refused(client, "This site could not check whether you used your second factor.")


def test_somebody_elses_records(client: Client, ada: User) -> None:
    """Until 2026 allauth did not say whose records they are, and a sign-in may stop half-way."""
    bob = User.objects.create_user("bob", "bob@example.com", PASSWORD)
    sign_in(client)
    confirm(client, code_of_the_app())
    records = client.session["account_authentication_methods"]
    client.force_login(bob)
    session = client.session
    session["account_authentication_methods"] = records
    session.save()
    assert_refused(client)


def test_outside_of_a_session(ada: User, rf: RequestFactory) -> None:
    for request in (None, rf.get("/")):
        with pytest.raises(PermissionDenied, match="could not check whether"):
            require_mfa(ada, request)


def test_the_checks() -> None:
    assert messages() == {}
