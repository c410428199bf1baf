"""What an administrator can switch in Metabase's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

GroupSync = Literal["off", "automatic", "manual"]

CLAIM_NAMES = {
    "email": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "groups": "groups",
    "tenant": "@tenant",
    "tenant_attributes": "@tenant.attributes",
}


class BadConfiguration(ValueError):
    """No such setting, or not a value that it can have."""


@dataclass(frozen=True)
class Configuration:
    """The settings as they are when JWT has been set up in Metabase 65: sync automatic."""

    sso_enabled: bool = True
    provisioning: bool = True
    group_sync: GroupSync = "automatic"
    # For manual mode: a name in the claim, and the Metabase groups that it stands for.
    group_mapping: Mapping[str, list[str]] = field(default_factory=dict)
    tenants_enabled: bool = False
    # `saml`: SAML is on as well, and wins unless the front end prefers JWT.
    # `saml_only`: JWT is not there to be preferred.
    method: Literal["jwt", "saml", "saml_only"] = "jwt"
    sdk_enabled: bool = True
    simple_enabled: bool = True
    guest_enabled: bool = True
    claim_names: Mapping[str, str] = field(default_factory=CLAIM_NAMES.copy)
    # None: the one from the environment.
    identity_provider_uri: str | None = None
    clock_skew: int = 0  # seconds that its clock is ahead

    def changed(self, values: Mapping[str, Any]) -> Configuration:
        """Return a configuration with some settings changed, or raise BadConfiguration."""
        for key, value in values.items():
            if key not in VALID:
                raise BadConfiguration(f"{key}: no such setting")
            if not VALID[key](value):
                raise BadConfiguration(f"{key}: not a value that it can have")
        if "claim_names" in values:
            values = {**values, "claim_names": {**CLAIM_NAMES, **values["claim_names"]}}
        return replace(self, **values)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _one_of(*choices: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in choices


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(groups, list) and all(isinstance(group, str) for group in groups)
        for groups in value.values()
    )


def _is_claim_names(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() <= CLAIM_NAMES.keys()
        and all(isinstance(name, str) for name in value.values())
    )


VALID: dict[str, Callable[[object], bool]] = {
    "sso_enabled": _is_bool,
    "provisioning": _is_bool,
    "group_sync": _one_of("off", "automatic", "manual"),
    "group_mapping": _is_mapping,
    "tenants_enabled": _is_bool,
    "method": _one_of("jwt", "saml", "saml_only"),
    "sdk_enabled": _is_bool,
    "simple_enabled": _is_bool,
    "guest_enabled": _is_bool,
    "claim_names": _is_claim_names,
    "identity_provider_uri": lambda value: value is None or isinstance(value, str),
    "clock_skew": lambda value: type(value) is int,
}
