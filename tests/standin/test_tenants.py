"""What the claims do: tenants."""

from __future__ import annotations

from typing import Any

import pytest

from example_project.standin.refusals import Invalid
from example_project.standin.state import Instance
from tests.helpers.standin import configure, dropped, refusal, signed_in


@pytest.fixture
def tenants(standin: Instance) -> Instance:
    configure(standin, use_tenants=True)
    return standin


def claims(slug: object, **attributes: Any) -> dict[str, Any]:
    return {"@tenant": slug, "@tenant.attributes": attributes}


OFF = "Tenants and tenant users are disabled."
SORRY = "Sorry, but you'll need a"


def test_before_58_both_claims_are_dropped(standin: Instance) -> None:
    configure(standin, version=56)
    ada = signed_in(standin, **claims("acme", plan="gold"))
    assert ada.tenant is None
    reason = "this version has no tenants"
    assert dropped(ada) == {"@tenant": reason, "@tenant.attributes": reason}
    assert standin.tenants["acme"].attributes == {}
    assert signed_in(standin, **{"@tenant": True}) is ada


def test_off_a_slug_is_refused(standin: Instance) -> None:
    refused = refusal(standin, **claims("acme"))
    assert (refused.status, refused.text) == (403, OFF)
    signed_in(standin)
    assert refusal(standin, **{"@tenant": "acme"}).text == OFF


def test_off_a_tenant_user_is_refused(tenants: Instance) -> None:
    ada = signed_in(tenants, **{"@tenant": "acme"})
    configure(tenants, use_tenants=False)
    assert not ada.is_active
    assert refusal(tenants).text == refusal(tenants, **{"@tenant": "acme"}).text == OFF


def test_the_order_of_things(standin: Instance) -> None:
    """The type of the slug, the e-mail address, provisioning, the tenant."""
    configure(standin, jwt_user_provisioning_enabled=False)
    wrong = {"@tenant": ["acme"], "email": None}
    refused = refusal(standin, **wrong)
    assert (refused.status, refused.text) == (401, "Value of `@tenant` must be a string")
    assert refusal(standin, **{**wrong, "@tenant": "acme"}).text == "JWT token missing email claim"
    assert refusal(standin, **{"@tenant": "acme"}).text.startswith(SORRY)
    configure(standin, jwt_user_provisioning_enabled=True)
    assert refusal(standin, **{"@tenant": "acme"}).text == OFF


@pytest.mark.parametrize(("sent", "slug"), [("acme", "acme"), (42, "42"), ("new", "new")])
def test_the_slug(tenants: Instance, sent: object, slug: str) -> None:
    ada = signed_in(tenants, **{"@tenant": sent})
    assert ada.tenant == slug
    assert slug in tenants.tenants
    assert signed_in(tenants, **{"@tenant": slug}) is ada


@pytest.mark.parametrize("sent", [True, 4.2, ["acme"], {"slug": "acme"}])
def test_a_slug_of_another_type(tenants: Instance, sent: object) -> None:
    assert refusal(tenants, **{"@tenant": sent}).text == "Value of `@tenant` must be a string"


@pytest.mark.parametrize("sent", [{}, {"@tenant": None}])
def test_an_internal_user(tenants: Instance, sent: dict[str, None]) -> None:
    ada = signed_in(tenants, **sent)
    assert ada.tenant is None
    refused = refusal(tenants, **{"@tenant": "acme"})
    assert refused.text == "Cannot add tenant claim to internal user"
    assert refused.status == 403


def test_an_external_user(tenants: Instance) -> None:
    signed_in(tenants, **{"@tenant": "acme"})
    assert refusal(tenants).text == "Tenant claim required for external user"
    for other in ("globex", "ACME"):
        mismatch = refusal(tenants, **{"@tenant": other})
        assert mismatch.text == "Tenant ID mismatch with existing user"
        assert mismatch.status == 403


def test_a_token_brings_a_deactivated_tenant_back(tenants: Instance) -> None:
    """And every user who was deactivated with it, but not one who was before."""
    ada = signed_in(tenants, **{"@tenant": "acme"})
    bob = signed_in(tenants, email="bob@example.com", **{"@tenant": "acme"})
    eve = signed_in(tenants, email="eve@example.com", **{"@tenant": "acme"})
    tenants.deactivate(eve)
    tenants.set_tenant_active(tenants.tenants["acme"], is_active=False)
    assert not ada.is_active
    signed_in(tenants, **{"@tenant": "acme"})
    assert tenants.tenants["acme"].is_active
    assert [who.is_active for who in (ada, bob, eve)] == [True, True, False]


def test_without_provisioning_a_deactivated_tenant_stays(tenants: Instance) -> None:
    ada = signed_in(tenants, **{"@tenant": "acme"})
    tenants.set_tenant_active(tenants.tenants["acme"], is_active=False)
    configure(tenants, jwt_user_provisioning_enabled=False)
    assert refusal(tenants, **{"@tenant": "acme"}).text.startswith(SORRY)
    tenants.reactivate(ada)
    refused = refusal(tenants, **{"@tenant": "acme"})
    assert (refused.status, refused.text) == (403, "Tenant is not active")


@pytest.mark.parametrize("slug", ["ACME", "a b", "a.b", "é", "", "x" * 256, "a\n"])
def test_a_new_slug_that_cannot_be(tenants: Instance, slug: str) -> None:
    refused = refusal(tenants, **{"@tenant": slug})
    assert isinstance(refused, Invalid)
    assert (refused.status, set(refused.errors)) == (400, {"slug"})


def test_a_new_slug_that_is_the_name_of_another(tenants: Instance) -> None:
    tenants.tenants["acme"].name = "initech"
    refused = refusal(tenants, **{"@tenant": "initech"})
    assert (refused.status, refused.text) == (400, "This tenant name or slug is already taken.")


def test_an_administrator_can_move_somebody(tenants: Instance) -> None:
    """By a token nobody changes tenant."""
    ada = signed_in(tenants, **{"@tenant": "acme"})
    ada.tenant = "globex"
    assert signed_in(tenants, **{"@tenant": "globex"}) is ada


def test_a_new_tenant_needs_provisioning(tenants: Instance) -> None:
    configure(tenants, jwt_user_provisioning_enabled=False)
    assert refusal(tenants, **{"@tenant": "new"}).text.startswith(SORRY)


def test_attributes_are_added_and_never_updated(tenants: Instance) -> None:
    ada = signed_in(tenants, **claims("acme", plan="gold", seats=5))
    assert tenants.tenants["acme"].attributes == {"plan": "gold", "seats": "5"}
    assert dropped(ada) == {}
    signed_in(tenants, **claims("acme", plan="basic", seats=5, region="North"))
    expected = {"plan": "gold", "seats": "5", "region": "North"}
    assert tenants.tenants["acme"].attributes == expected
    assert set(dropped(ada)) == {"@tenant.attributes: plan"}
    assert ada.jwt_attributes == {}
    assert tenants.attributes_of(ada) == expected


def test_a_persons_own_attributes_win(tenants: Instance) -> None:
    ada = signed_in(tenants, **claims("acme", region="North", plan="gold"), region="South")
    assert tenants.attributes_of(ada) == {"region": "South", "plan": "gold"}


@pytest.mark.parametrize("value", [None, [], {}])
def test_attributes_that_are_no_scalars(tenants: Instance, value: object) -> None:
    ada = signed_in(tenants, **claims("acme", plan=value))
    assert tenants.tenants["acme"].attributes == {}
    assert set(dropped(ada)) == {"@tenant.attributes: plan"}


@pytest.mark.parametrize("name", ["@plan", "team/@plan"])
def test_attributes_with_reserved_names(tenants: Instance, name: str) -> None:
    ada = signed_in(tenants, **{"@tenant": "acme", "@tenant.attributes": {name: "gold"}})
    assert tenants.tenants["acme"].attributes == {}
    assert set(dropped(ada)) == {f"@tenant.attributes: {name}"}


def test_attributes_before_59(tenants: Instance) -> None:
    configure(tenants, version=58)
    ada = signed_in(tenants, **claims("acme", plan="gold"))
    assert tenants.tenants["acme"].attributes == {}
    assert set(dropped(ada)) == {"@tenant.attributes"}


def test_attributes_that_are_no_object(tenants: Instance) -> None:
    ada = signed_in(tenants, **{"@tenant": "acme", "@tenant.attributes": ["plan"]})
    assert dropped(ada) == {"@tenant.attributes": "not an object"}


def test_attributes_without_a_tenant(tenants: Instance) -> None:
    ada = signed_in(tenants, **{"@tenant.attributes": {"plan": "gold"}})
    assert dropped(ada) == {"@tenant.attributes": "the token does not name a tenant"}
    assert ada.jwt_attributes == {}


def test_other_claim_names(tenants: Instance) -> None:
    configure(
        tenants, jwt_attribute_tenant="organisation", jwt_attribute_tenant_attributes="facts"
    )
    ada = signed_in(tenants, organisation="acme", facts={"plan": "gold"})
    assert ada.tenant == "acme"
    assert tenants.attributes_of(ada) == {"plan": "gold"}
