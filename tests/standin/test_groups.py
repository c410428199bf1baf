"""What the claims do: groups."""

from __future__ import annotations

from typing import Any

import pytest

from example_project.standin.directory import ADMINISTRATORS
from example_project.standin.state import ADMIN_EMAIL, GROUPS, Instance
from tests.helpers.standin import configure, dropped, refusal, signed_in

ANALYSTS, SALES, SUPPORT = (GROUPS.index(name) + 1 for name in ("Analysts", "Sales", "Support"))
MAPPING = {"analyst": [ANALYSTS], "seller": [SALES, SUPPORT], "boss": [2]}
MODES: dict[str, dict[str, Any]] = {
    "automatic": {},
    "manual": {"jwt_group_mappings": MAPPING},
    "off": {"jwt_group_sync": False},
}


@pytest.mark.parametrize("claim", [{}, {"groups": None}])
@pytest.mark.parametrize("mode", MODES)
def test_an_absent_claim_changes_nothing(
    standin: Instance, claim: dict[str, None], mode: str
) -> None:
    signed_in(standin, groups=["Sales"])
    configure(standin, **MODES[mode])
    assert signed_in(standin, **claim).groups == {"All Users", "Sales"}


def test_an_empty_list_takes_everything(standin: Instance) -> None:
    ada = signed_in(standin, groups=["Sales", "Administrators"])
    signed_in(standin, groups=[])
    assert ada.groups == {"All Users"}
    assert ada.last_sign_in
    assert ada.last_sign_in.left == ["Administrators", "Sales"]


def test_automatic_replaces_all_memberships(standin: Instance) -> None:
    ada = signed_in(standin, groups=["Sales"])
    signed_in(standin, groups=["Analysts", "Support"])
    assert ada.groups == {"All Users", "Analysts", "Support"}
    assert ada.last_sign_in
    assert ada.last_sign_in.joined == ["Analysts", "Support"]
    assert ada.last_sign_in.left == ["Sales"]


def test_automatic_makes_and_unmakes_administrators(standin: Instance) -> None:
    ada = signed_in(standin, groups=["Administrators"])
    assert ada.is_superuser
    signed_in(standin, groups=["All Users"])
    assert not ada.is_superuser


def test_automatic_matches_names_exactly(standin: Instance) -> None:
    ada = signed_in(standin, groups=["sales", "Sales ", "Support"])
    assert ada.groups == {"All Users", "Support"}
    assert set(dropped(ada)) == {"groups: sales", "groups: Sales "}


@pytest.mark.parametrize("name", [42, None, True, ["Sales"], {"name": "Sales"}])
@pytest.mark.parametrize("mode", ["automatic", "manual"])
def test_a_name_that_is_not_a_string(standin: Instance, name: object, mode: str) -> None:
    """Ignored since August 2026, an error of the server before."""
    configure(standin, **MODES[mode])
    ada = signed_in(standin, groups=[name, "Sales" if mode == "automatic" else "seller"])
    assert ada.groups >= {"All Users", "Sales"}
    assert dropped(ada) == {f"groups: {name}": "a group name that is not a string"}
    configure(standin, version=63)
    assert refusal(standin, groups=[name]).status == 500


@pytest.mark.parametrize(
    ("claim", "groups"),
    [
        (["analyst"], {"Analysts"}),
        (["seller"], {"Sales", "Support"}),
        (["analyst", "seller"], {"Analysts", "Sales", "Support"}),
        (["boss"], {"Administrators"}),
        (["Sales", "unknown"], set()),
        ([], set()),
    ],
)
def test_manual_touches_mapped_groups_alone(
    standin: Instance, claim: list[str], groups: set[str]
) -> None:
    signed_in(standin, groups=["Support", "Data Analysts"])
    configure(standin, jwt_group_mappings=MAPPING)
    ada = signed_in(standin, groups=claim)
    assert ada.groups == {"All Users", "Data Analysts"} | groups
    unmapped = {f"groups: {name}" for name in claim if name not in MAPPING}
    assert set(dropped(ada)) == unmapped


def test_manual_with_a_group_that_is_gone(standin: Instance) -> None:
    configure(standin, jwt_group_mappings={"a": [1, 99]})
    assert signed_in(standin, groups=["a"]).groups == {"All Users"}
    assert signed_in(standin, groups=[]).groups == {"All Users"}


def test_off(standin: Instance) -> None:
    """As in a new Metabase."""
    configure(standin, jwt_group_sync=False)
    ada = signed_in(standin, groups=["Sales"])
    assert ada.groups == {"All Users"}
    assert dropped(ada) == {"groups": "group sync is off in Metabase"}


def test_one_name_without_a_list(standin: Instance) -> None:
    """A list of one since August 2026; before, it was walked letter by letter."""
    assert signed_in(standin, groups="Sales").groups == {"All Users", "Sales"}
    configure(standin, version=63)
    ada = signed_in(standin, groups="Sales")
    assert ada.groups == {"All Users"}
    assert set(dropped(ada)) == {f"groups: {letter}" for letter in "Sales"}


@pytest.mark.parametrize("claim", [42, {"Sales": True}, False])
def test_no_list(standin: Instance, claim: Any) -> None:
    ada = signed_in(standin, groups=claim)
    assert ada.groups == {"All Users"}
    assert dropped(ada) == {"groups": "not a list of group names"}
    configure(standin, version=60)
    assert refusal(standin, groups=claim).status == 500


def test_the_last_administrator_is_kept(standin: Instance) -> None:
    admin = signed_in(standin, email=ADMIN_EMAIL, groups=[])
    assert admin.is_superuser
    assert dropped(admin) == {"groups": "the last administrator cannot leave this group"}
    ada = signed_in(standin, groups=["Administrators"])
    assert ADMINISTRATORS not in signed_in(standin, email=ADMIN_EMAIL, groups=[]).groups
    standin.deactivate(admin)
    signed_in(standin, groups=[])
    assert ADMINISTRATORS in ada.groups


TENANT = {"@tenant": "acme"}


@pytest.mark.parametrize(
    ("claims", "group"), [({}, "Customers"), ({}, "All tenant users"), (TENANT, "Sales")]
)
def test_groups_of_the_other_kind(standin: Instance, claims: dict[str, Any], group: str) -> None:
    """Since July 2026 the sign-in fails; before, they were swallowed."""
    configure(standin, use_tenants=True)
    refused = refusal(standin, **claims, groups=[group])
    assert (refused.status, refused.text) == (
        400,
        "Cannot add non-tenant user to tenant-group or vice versa",
    )
    configure(standin, version=60)
    ada = signed_in(standin, **claims, groups=[group])
    assert ada.groups == {"All tenant users" if claims else "All Users"}
    assert set(dropped(ada)) == {f"groups: {group}"}


def test_groups_of_tenant_users(standin: Instance) -> None:
    """They are in All tenant users, not in All Users, and nothing takes them out of it."""
    configure(standin, use_tenants=True)
    ada = signed_in(standin, **TENANT, groups=["Customers"])
    assert ada.groups == {"All tenant users", "Customers"}
    signed_in(standin, **TENANT, groups=[])
    assert ada.groups == {"All tenant users"}
