"""`require_otp` with the real django-otp: its middleware, a device and its sign-in page."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from django_metabase_sso.policies import require_otp
from tests.contrib.project import OTHERS
from tests.helpers.configure import Configure
from tests.helpers.sso import FETCH, assert_error
from tests.helpers.tokens import decode, token_of

PASSWORD = "correct-horse-battery"


@pytest.fixture
def signed_in(client: Client, configure: Configure) -> Client:
    """Ada, by her password alone."""
    configure(ACCESS_POLICY=require_otp)
    User.objects.create_user("ada", "ada@example.com", PASSWORD)
    response = client.post("/login/", {"username": "ada", "password": PASSWORD})
    assert response.status_code == 302
    return client


def sign_in_with(client: Client, code: str) -> int:
    from django_otp.plugins.otp_static.models import StaticDevice

    ada = User.objects.get(username="ada")
    device = StaticDevice.objects.create(user=ada, name="codes")
    device.token_set.create(token="123456")
    data: dict[str, Any] = {"username": "ada", "password": PASSWORD}
    data |= {"otp_device": device.persistent_id, "otp_token": code}
    return client.post("/second-factor/", data).status_code


def test_the_second_factor_opens(signed_in: Client) -> None:
    response = signed_in.get(FETCH)
    assert_error(response, 403, "policy")
    assert response.json()["message"] == "Sign in with your second factor first."
    assert sign_in_with(signed_in, "123456") == 302
    assert decode(token_of(signed_in.get(FETCH)))["email"] == "ada@example.com"


def test_a_wrong_code_does_not(signed_in: Client) -> None:
    assert sign_in_with(signed_in, "654321") == 200
    assert_error(signed_in.get(FETCH), 403, "policy")


def test_without_the_middleware(signed_in: Client, settings: Settings) -> None:
    assert sign_in_with(signed_in, "123456") == 302
    settings.MIDDLEWARE = [entry for entry in OTHERS["MIDDLEWARE"] if "otp" not in entry]
    restarted = Client()
    restarted.cookies = signed_in.cookies
    response = restarted.get(FETCH)
    assert_error(response, 403, "policy")
    assert "could not check whether" in response.json()["message"]
