from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from django_metabase_sso.claims import person_names
from tests.accounts.models import ContactUser, EmailUser, PropertyUser
from tests.helpers.configure import Configure
from tests.helpers.sso import FETCH
from tests.helpers.tokens import decode, token_of


def claims_of(client: Client, user: Any) -> dict[str, Any]:
    client.force_login(user)
    claims = decode(token_of(client.get(FETCH)))
    del claims["iat"], claims["exp"]
    return claims


@pytest.mark.django_db
def test_email_as_the_only_identifier(client: Client, settings: Settings) -> None:
    settings.AUTH_USER_MODEL = "accounts.EmailUser"
    user = EmailUser.objects.create(email="Ada@example.com")
    assert claims_of(client, user) == {"email": "ada@example.com"}


@pytest.mark.django_db
def test_another_email_field(client: Client, settings: Settings) -> None:
    settings.AUTH_USER_MODEL = "accounts.ContactUser"
    user = ContactUser.objects.create(
        username="ada", contact="ada@example.com", full_name="Ada King Lovelace"
    )
    assert claims_of(client, user) == {
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "King Lovelace",
    }


@pytest.mark.django_db
def test_an_email_that_is_no_column_cannot_be_compared(
    client: Client, settings: Settings, configure: Configure
) -> None:
    settings.AUTH_USER_MODEL = "accounts.PropertyUser"
    configure(REQUIRE_UNIQUE_EMAIL=False)
    user = PropertyUser.objects.create(username="ada", full_name="Ada")
    assert claims_of(client, user) == {"email": "nobody@example.com", "first_name": "Ada"}


@pytest.mark.parametrize(
    ("full_name", "names"),
    [
        ("", ("", "")),
        ("Ada", ("Ada", "")),
        (" Ada  King ", ("Ada", "King")),
    ],
)
def test_full_name(full_name: str, names: tuple[str, str]) -> None:
    assert person_names(ContactUser(full_name=full_name)) == names


def test_half_a_name() -> None:
    class Halved(EmailUser):
        last_name = "Lovelace"

        class Meta:
            abstract = True

    assert person_names(Halved) == ("", "Lovelace")  # type: ignore[arg-type]
