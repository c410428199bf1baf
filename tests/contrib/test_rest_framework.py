"""AUTHENTICATE by REST framework: its own tokens and SimpleJWT's, against the session."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django import Settings

from django_metabase_sso.contrib.rest_framework import authenticate, using
from django_metabase_sso.exceptions import BadSetting
from django_metabase_sso.policies import trust_emails
from tests.helpers.configure import Configure
from tests.helpers.findings import messages
from tests.helpers.sso import FETCH, NAVIGATION, URL, assert_error
from tests.helpers.tokens import decode, token_of

AUTHENTICATE = "django_metabase_sso.contrib.rest_framework.authenticate"
SESSION = "rest_framework.authentication.SessionAuthentication"
BASIC = "rest_framework.authentication.BasicAuthentication"
TOKEN = "rest_framework.authentication.TokenAuthentication"
JWT = "rest_framework_simplejwt.authentication.JWTAuthentication"
STATELESS = "rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication"


@pytest.fixture(autouse=True)
def configured(settings: Settings, configure: Configure) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [SESSION, TOKEN, JWT]}
    configure(AUTHENTICATE=AUTHENTICATE, ACCESS_POLICY=trust_emails)


@pytest.fixture
def eve(db: None) -> User:
    return User.objects.create_user("eve", "eve@example.com", "correct-horse")


def token_header(user: User) -> str:
    from rest_framework.authtoken.models import Token

    return f"Token {Token.objects.create(user=user).key}"


def jwt_header(user: User, *, lifetime: timedelta = timedelta(minutes=5)) -> str:
    from rest_framework_simplejwt.tokens import AccessToken

    token = AccessToken.for_user(user)
    token.set_exp(lifetime=lifetime)
    return f"Bearer {token}"


def refresh_header(user: User) -> str:
    from rest_framework_simplejwt.tokens import RefreshToken

    return f"Bearer {RefreshToken.for_user(user)}"


def expired_header(user: User) -> str:
    return jwt_header(user, lifetime=timedelta(minutes=-5))


def get(client: Client, header: str | None) -> Any:
    return client.get(FETCH, headers={} if header is None else {"Authorization": header})


def email_of(response: Any) -> object:
    return decode(token_of(response))["email"]


def assert_401(response: Any, words: str) -> None:
    assert_error(response, 401, "invalid-credentials")
    assert words in response.json()["message"]


@pytest.mark.parametrize("header", [token_header, jwt_header])
def test_a_header_and_no_session(client: Client, ada: User, header: Any) -> None:
    assert email_of(get(client, header(ada))) == "ada@example.com"


@pytest.mark.parametrize("header", [token_header, jwt_header])
def test_the_header_wins(signed_in: Client, eve: User, header: Any) -> None:
    assert email_of(get(signed_in, header(eve))) == "eve@example.com"


def test_no_header_and_a_session(signed_in: Client) -> None:
    assert email_of(get(signed_in, None)) == "ada@example.com"
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = signed_in.cookies
    assert email_of(get(strict, None)) == "ada@example.com"


def test_neither(client: Client) -> None:
    assert_error(get(client, None), 401, "not-authenticated")


BAD: list[tuple[str, str]] = [
    ("Token 0123456789", "Invalid token."),
    ("Token", "Invalid token header. No credentials provided."),
    ("Token a b", "Token string should not contain spaces."),
    ("Bearer", "Authorization header must contain two space-delimited values"),
    ("Bearer a.b.c", "Given token not valid for any token type: Token is invalid"),
    ("Basic YWRhOng=", "does not accept this kind"),
    ("Digest x", "does not accept this kind"),
    ("bearer a.b.c", "does not accept this kind"),
    ("", "does not accept this kind"),
]


@pytest.mark.parametrize(("header", "words"), BAD)
def test_a_bad_header(client: Client, signed_in: Client, header: str, words: str) -> None:
    """A bad header is a 401 even with a session: the header should identify the user."""
    assert_401(get(Client(), header), words)
    assert_401(get(signed_in, header), words)


@pytest.mark.parametrize(
    ("header", "words"),
    [(expired_header, "Token is expired"), (refresh_header, "Token has wrong type")],
)
def test_a_token_that_no_longer_holds(
    signed_in: Client, ada: User, header: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    sent = header(ada)
    response = get(signed_in, sent)
    assert_401(response, words)
    secret = sent.partition(" ")[2]
    assert secret not in response.content.decode() + caplog.text


@pytest.mark.parametrize(
    ("header", "words"),
    [(token_header, "User inactive or deleted."), (jwt_header, "User is inactive")],
)
def test_a_user_who_is_switched_off(signed_in: Client, eve: User, header: Any, words: str) -> None:
    sent = header(eve)
    User.objects.filter(pk=eve.pk).update(is_active=False)
    assert_401(get(signed_in, sent), words)


@pytest.mark.parametrize("header", [token_header, jwt_header])
def test_a_user_who_is_gone(signed_in: Client, eve: User, header: Any) -> None:
    sent = header(eve)
    eve.delete()
    assert_error(get(signed_in, sent), 401, "invalid-credentials")


def test_rest_frameworks_own_default(
    client: Client, signed_in: Client, eve: User, settings: Settings
) -> None:
    settings.REST_FRAMEWORK = {}
    assert email_of(get(signed_in, None)) == "ada@example.com"
    assert email_of(get(signed_in, "Basic ZXZlOmNvcnJlY3QtaG9yc2U=")) == "eve@example.com"
    assert_401(get(signed_in, "Basic ZXZlOndyb25n"), "Invalid username/password.")


def test_simplejwt_in_another_header(signed_in: Client, eve: User, configure: Configure) -> None:
    from rest_framework_simplejwt.authentication import JWTAuthentication

    class OtherHeader(JWTAuthentication):
        """What the setting AUTH_HEADER_NAME does, which SimpleJWT reads once."""

        def get_header(self, request: Any) -> Any:
            value = request.META.get("HTTP_X_ACCESS")
            return None if value is None else value.encode()

    configure(AUTHENTICATE=using(OtherHeader))

    def send(value: str) -> Any:
        return signed_in.get(FETCH, headers={"X-Access": value})

    assert email_of(send(jwt_header(eve))) == "eve@example.com"
    assert_401(send("Token x"), "does not accept this kind")
    assert email_of(get(signed_in, None)) == "ada@example.com"


# using


def test_named_classes(signed_in: Client, eve: User, configure: Configure) -> None:
    from rest_framework.authentication import TokenAuthentication

    class KeyAuthentication(TokenAuthentication):  # type: ignore[misc]
        keyword = "Key"

    configure(AUTHENTICATE=using(TOKEN, KeyAuthentication))
    assert messages() == {}
    sent = token_header(eve)
    assert email_of(get(signed_in, sent)) == "eve@example.com"
    assert email_of(get(signed_in, sent.replace("Token", "Key"))) == "eve@example.com"
    assert_401(get(signed_in, jwt_header(eve)), "does not accept this kind")
    assert email_of(get(signed_in, None)) == "ada@example.com"


def test_using_nothing() -> None:
    with pytest.raises(ValueError, match="at least one"):
        using()


@pytest.mark.parametrize(
    ("entry", "check_id"),
    [
        ("rest_framework.authentication.Nothing", "E015"),
        ("rest_framework.authentication.get_authorization_header", "E015"),
        ("rest_framework.request.Request", "E015"),
        ("builtins.dict", "E015"),
        (None, "E015"),
    ],
)
def test_classes_that_are_none(
    client: Client, configure: Configure, entry: Any, check_id: str
) -> None:
    configure(AUTHENTICATE=using(entry))
    assert list(messages()) == [check_id]
    with pytest.raises(BadSetting):
        get(client, None)


def test_a_class_whose_method_takes_more(configure: Configure) -> None:
    class Odd:
        def authenticate(self, request: object, realm: str) -> None:
            raise AssertionError

    configure(AUTHENTICATE=using(Odd))
    assert list(messages()) == ["E018"]


# What authentication classes may answer


def answering(answer: Any) -> Any:
    class Authentication:
        def authenticate(self, request: object) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

    return using(Authentication)


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_a_credential_of_nobody(signed_in: Client, configure: Configure, user: Any) -> None:
    configure(AUTHENTICATE=answering((user, "an API key")))
    assert_401(get(signed_in, None), "do not belong to a user")


def test_a_user_who_is_read_from_the_token(
    signed_in: Client, eve: User, configure: Configure
) -> None:
    configure(AUTHENTICATE=using(STATELESS))
    with pytest.raises(ImproperlyConfigured, match="returned a TokenUser"):
        get(signed_in, jwt_header(eve))


@pytest.mark.parametrize(
    ("name", "detail", "message"),
    [
        ("NotAuthenticated", "Who?", "Who?"),
        ("PermissionDenied", "Not from here.", "Not from here."),
        ("AuthenticationFailed", ["One.", "Two."], "One. Two."),
        ("AuthenticationFailed", {"messages": ["x", {"message": "Too old"}]}, "Too old"),
        ("AuthenticationFailed", {}, "The credentials of this request are not valid."),
    ],
)
def test_reasons(
    signed_in: Client, configure: Configure, name: str, detail: Any, message: str
) -> None:
    from rest_framework import exceptions

    configure(AUTHENTICATE=answering(getattr(exceptions, name)(detail)))
    response = get(signed_in, None)
    assert_401(response, message)
    assert response.json()["message"] == message


def test_a_fault_is_no_refusal(signed_in: Client, configure: Configure) -> None:
    from rest_framework.exceptions import APIException

    configure(AUTHENTICATE=answering(APIException("the directory is down")))
    with pytest.raises(APIException):
        get(signed_in, None)


def test_the_default_can_be_called_by_itself(rf: Any) -> None:
    assert authenticate(rf.get("/")) is None


# Cookies: the browser sends them by itself

COOKIE = "dj_rest_auth.jwt_auth.JWTCookieAuthentication"
EXPIRED = timedelta(minutes=-5)


def access_token(user: User, **options: Any) -> str:
    return jwt_header(user, **options).partition(" ")[2]


@pytest.fixture
def cookies(configure: Configure) -> None:
    configure(AUTHENTICATE=using(COOKIE, TOKEN))


@pytest.mark.usefixtures("cookies")
def test_a_sign_in_of_dj_rest_auth(client: Client, eve: User) -> None:
    data = {"username": "eve", "password": "correct-horse"}
    assert client.post("/rest/login/", data).status_code == 200
    del client.cookies["sessionid"]
    assert email_of(get(client, None)) == "eve@example.com"


@pytest.fixture(params=["expired", "forged", "of nobody", "switched off"])
def bad_cookie(request: pytest.FixtureRequest, eve: User) -> str:
    token = access_token(eve, lifetime=EXPIRED if request.param == "expired" else EXPIRED * -1)
    if request.param == "forged":
        token = token[:-4] + "AAAA"
    if request.param == "of nobody":
        eve.delete()
    if request.param == "switched off":
        User.objects.filter(pk=eve.pk).update(is_active=False)
    return token


@pytest.mark.usefixtures("cookies")
def test_a_bad_cookie_is_not_signed_in(client: Client, bad_cookie: str) -> None:
    """An old cookie in a browser must lead to the login page, not to a dead end."""
    client.cookies["jwt"] = bad_cookie
    assert_error(get(client, None), 401, "not-authenticated")
    response = client.get(URL, headers=NAVIGATION)
    assert response.status_code == 302
    assert response["Location"].startswith("/login/?next=")


@pytest.mark.usefixtures("cookies")
def test_a_bad_cookie_and_a_session(signed_in: Client, bad_cookie: str) -> None:
    signed_in.cookies["jwt"] = bad_cookie
    assert email_of(get(signed_in, None)) == "ada@example.com"


@pytest.mark.usefixtures("cookies")
def test_a_bad_cookie_and_a_header(signed_in: Client, eve: User) -> None:
    signed_in.cookies["jwt"] = access_token(eve, lifetime=EXPIRED)
    assert email_of(get(signed_in, token_header(eve))) == "eve@example.com"
    assert_401(get(signed_in, expired_header(eve)), "Token is expired")
    assert_401(get(signed_in, "Digest x"), "does not accept this kind")


def test_a_bad_header_of_its_own_and_a_cookie(signed_in: Client, configure: Configure) -> None:
    """A class that reads a header of another name refuses without the cookies as well."""
    from rest_framework.exceptions import AuthenticationFailed

    class KeyAuthentication:
        def authenticate(self, request: Any) -> None:
            if request.headers.get("X-Key") == "bad":
                raise AuthenticationFailed

    configure(AUTHENTICATE=using(KeyAuthentication))
    assert_error(signed_in.get(FETCH, headers={"X-Key": "bad"}), 401, "invalid-credentials")
    assert email_of(get(signed_in, None)) == "ada@example.com"


def test_a_class_that_reads_the_cookie_from_the_headers(
    signed_in: Client, configure: Configure
) -> None:
    from rest_framework.exceptions import AuthenticationFailed

    class CookieAuthentication:
        def authenticate(self, request: Any) -> None:
            if "old=1" in request.headers.get("Cookie", ""):
                raise AuthenticationFailed

    configure(AUTHENTICATE=using(CookieAuthentication))
    signed_in.cookies["old"] = "1"
    assert email_of(get(signed_in, None)) == "ada@example.com"
