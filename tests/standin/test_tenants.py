from __future__ import annotations

from typing import Any

import pytest

from example_project.standin.state import Instance
from tests.helpers.standin import configure, dropped, refusal, signed_in


@pytest.fixture
def tenants(standin: Instance) -> Instance:
    configure(standin, use_tenants=True)
    return standin


def claims(slug: object, **attributes: Any) -> dict[str, Any]:
    return {"@tenant": slug, "@tenant.attributes": attributes}


def test_off_both_claims_are_dropped(standin: Instance) -> None:
    ada = signed_in(standin, **claims("acme", plan="gold"))
    assert ada.tenant is None
    reason = "tenants are off in Metabase"
    assert dropped(ada) == {"@tenant": reason, "@tenant.attributes": reason}
    assert standin.tenants["acme"].attributes == {}


def test_off_nothing_is_checked(standin: Instance) -> None:
    signed_in(standin)
    assert signed_in(standin, **{"@tenant": True}).tenant is None


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
    mismatch = refusal(tenants, **{"@tenant": "globex"})
    assert mismatch.text == "Tenant ID mismatch with existing user"
    assert refusal(tenants, **{"@tenant": "ACME"}).text == mismatch.text


def test_an_inactive_tenant(tenants: Instance) -> None:
    tenants.tenants["acme"].is_active = False
    assert refusal(tenants, **{"@tenant": "acme"}).text == "Tenant is not active"
    signed_in(tenants, **{"@tenant": "globex"})
    tenants.tenants["globex"].is_active = False
    assert refusal(tenants, **{"@tenant": "globex"}).text == "Tenant is not active"


def test_a_new_tenant_needs_provisioning(tenants: Instance) -> None:
    configure(tenants, jwt_user_provisioning_enabled=False)
    assert refusal(tenants, **{"@tenant": "new"}).text.startswith("Sorry, but you'll need a")


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


def test_attributes_that_are_no_object(tenants: Instance) -> None:
    ada = signed_in(tenants, **{"@tenant": "acme", "@tenant.attributes": ["plan"]})
    assert dropped(ada) == {"@tenant.attributes": "not an object"}


def test_attributes_without_a_tenant(tenants: Instance) -> None:
    ada = signed_in(tenants, **{"@tenant.attributes": {"plan": "gold"}})
    assert dropped(ada) == {"@tenant.attributes": "the token names no tenant"}
    assert ada.jwt_attributes == {}


def test_other_claim_names(tenants: Instance) -> None:
    configure(
        tenants, jwt_attribute_tenant="organisation", jwt_attribute_tenant_attributes="facts"
    )
    ada = signed_in(tenants, organisation="acme", facts={"plan": "gold"})
    assert ada.tenant == "acme"
    assert tenants.attributes_of(ada) == {"plan": "gold"}
