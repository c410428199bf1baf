from __future__ import annotations

from typing import Any

import pytest

from example_project.standin.state import GROUPS, Instance
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
def test_a_name_that_is_no_string(standin: Instance, name: object) -> None:
    """Ignored in one mode, an error in the other."""
    ada = signed_in(standin, groups=[name, "Sales"])
    assert ada.groups == {"All Users", "Sales"}
    assert dropped(ada) == {f"groups: {name}": "a group name that is not a string"}
    configure(standin, jwt_group_mappings=MAPPING)
    refused = refusal(standin, groups=[name])
    assert "ClassCastException" in refused.text
    assert refused.status == 500


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
    configure(standin, jwt_group_sync=False)
    ada = signed_in(standin, groups=["Sales"])
    assert ada.groups == {"All Users"}
    assert dropped(ada) == {"groups": "group sync is off in Metabase"}


def test_one_name_without_a_list(standin: Instance) -> None:
    assert signed_in(standin, groups="Sales").groups == {"All Users", "Sales"}


@pytest.mark.parametrize("claim", [42, {"Sales": True}, False])
def test_no_list(standin: Instance, claim: Any) -> None:
    ada = signed_in(standin, groups=claim)
    assert ada.groups == {"All Users"}
    assert dropped(ada) == {"groups": "not a list of group names"}
