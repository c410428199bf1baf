"""What the claims do: the address, names, accounts."""

from __future__ import annotations

import pytest

from example_project.standin.directory import Account
from example_project.standin.state import ADMIN_EMAIL, Instance
from tests.helpers.standin import ADA, configure, dropped, refusal, signed_in


def test_a_new_account(standin: Instance) -> None:
    ada = signed_in(standin, first_name="Ada", last_name="Lovelace", region="North")
    assert standin.accounts.get("ada@example.com") is ada
    assert (ada.id, ada.common_name, ada.sso_source) == (2, "Ada Lovelace", "jwt")
    assert ada.groups == {"All Users"}
    assert ada.jwt_attributes == {"region": "North"}
    assert ada.last_sign_in is standin.sign_ins[-1]
    assert ada.last_sign_in.events == ["Metabase created this account (and bills for it)."]
    assert signed_in(standin) is ada
    assert ada.last_sign_in.events == []
    assert ada.jwt_attributes == {}


def test_the_address_is_the_identity_in_lower_case(standin: Instance) -> None:
    ada = signed_in(standin)
    assert signed_in(standin, email="ADA@Example.com") is ada
    assert signed_in(standin, email=" ada@example.com") is not ada


@pytest.mark.parametrize("email", [None, "", " ", 42, ["a@example.com"]])
def test_no_address(standin: Instance, email: object) -> None:
    assert refusal(standin, email=email).text == "JWT token missing email claim"


def test_the_claim_name_is_case_sensitive(standin: Instance) -> None:
    ada = signed_in(standin, Email="other@example.com")
    assert ada.jwt_attributes == {"Email": "other@example.com"}


def test_claim_names_can_be_changed(standin: Instance) -> None:
    names = {"email": "mail", "firstname": "given", "lastname": "family", "groups": "teams"}
    configure(standin, **{f"jwt_attribute_{part}": name for part, name in names.items()})
    claims = {"mail": "bob@example.com", "given": "Bob", "family": "B", "teams": ["Sales"]}
    bob = signed_in(standin, **claims)
    assert (bob.email, bob.common_name) == ("bob@example.com", "Bob B")
    assert "Sales" in bob.groups
    assert bob.jwt_attributes == ADA
    assert refusal(standin).text == "JWT token missing email claim"


def test_an_administrator_with_a_password_is_converted(standin: Instance) -> None:
    admin = standin.accounts.get(ADMIN_EMAIL)
    assert admin
    assert (admin.sso_source, admin.is_superuser) == (None, True)
    converted = signed_in(standin, email=ADMIN_EMAIL.upper())
    assert converted is admin
    assert (converted.sso_source, converted.is_superuser) == ("jwt", True)
    assert admin.last_sign_in
    [event] = admin.last_sign_in.events
    assert event == "This was an administrator's password account. It was converted to SSO."


def test_any_password_account_is_converted(standin: Instance) -> None:
    standin.accounts.add(Account(7, "ada@example.com"))
    ada = signed_in(standin)
    assert (ada.id, ada.sso_source) == (7, "jwt")
    assert ada.last_sign_in
    assert ada.last_sign_in.events == ["This was a password account. It was converted to SSO."]


def test_a_deactivated_account_is_reactivated(standin: Instance) -> None:
    ada = signed_in(standin)
    standin.deactivate(ada)
    signed_in(standin)
    assert ada.is_active
    assert ada.last_sign_in
    assert ada.last_sign_in.events == ["This account was deactivated. It was reactivated."]


def test_without_provisioning(standin: Instance) -> None:
    ada = signed_in(standin)
    configure(standin, jwt_user_provisioning_enabled=False)
    assert signed_in(standin) is ada
    text = "Sorry, but you'll need a Metabase account to view this page."
    assert refusal(standin, email="new@example.com").text.startswith(text)
    ada.is_active = False
    assert refusal(standin).text.startswith(text)
    assert refusal(standin).status == 401


def test_names_are_synced_and_null_is_ignored(standin: Instance) -> None:
    ada = signed_in(standin)
    assert ada.common_name == "ada@example.com"
    signed_in(standin, first_name="Ada", last_name="Byron")
    signed_in(standin, first_name=None, last_name="Lovelace")
    assert (ada.first_name, ada.last_name) == ("Ada", "Lovelace")
    assert dropped(ada) == {}


def test_what_is_dropped_is_reported(standin: Instance) -> None:
    ada = signed_in(standin, **{"teams": [], "@x": 1, "iss": "us", "groups": ["Nobody"]})
    assert set(dropped(ada)) == {"teams", "@x", "groups: Nobody"}
