"""The form of `/standin/settings`: Metabase's settings by subject, and those of the stand-in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from example_project.standin.configuration import EMBEDDINGS, SETTINGS, BadConfiguration
from example_project.standin.state import instance
from example_project.standin.versions import Version

# What a switch or a field does, by subject. A setting that is not here is changed by the API only.
SUBJECTS = {
    "JWT": {
        "jwt-enabled": "JWT sign-in: on once there is a secret, in 65 also a provider URI",
        "jwt-identity-provider-uri": "JWT Identity Provider URI",
        "jwt-user-provisioning-enabled?": "User provisioning: create and reactivate accounts",
        "saml-enabled": "SAML as well: a front end has to prefer JWT",
    },
    "Groups": {
        "jwt-group-sync": "Group sync: the groups of a token replace all memberships",
        "jwt-group-mappings": "Mapping to ids: then only these groups are touched",
    },
    "Embedding": {
        "enable-embedding-modular": "SDK, web components and guests",
        "enable-embedding-sdk": "SDK for React",
        "enable-embedding-simple": "Web components",
        "enable-embedding-static": "Guests and static embeds",
        "enable-embedding-interactive": "Full app in a frame",
        "embedding-app-origins-sdk": "Origins whose pages may call (CORS)",
        "embedding-app-origins-interactive": "Origins whose pages may frame the full app",
    },
    "Tenants": {"use-tenants": "Tenants"},
    "Site": {
        "site-url": "Site URL",
        "site-locale": "Language: en or de",
        "session-cookie-samesite": "SameSite of the session cookie: lax, strict or none",
    },
    "Names of claims": {
        key: SETTINGS[key].default for key in SETTINGS if key.startswith("jwt-attribute-")
    },
}


@dataclass(frozen=True)
class Field:
    """One line of the form."""

    key: str
    label: str
    kind: str
    value: Any
    variable: str  # the environment variable that it comes from, or ""


def fields() -> dict[str, Any]:
    """Return what the form shows."""
    known = {setting.key for setting in instance.configuration}
    if instance.version.has_modular_switch:
        known -= {f"enable-embedding-{kind}" for kind in EMBEDDINGS}
    return {
        "subjects": {
            subject: [_field(key, label) for key, label in labels.items() if key in known]
            for subject, labels in SUBJECTS.items()
            if known & labels.keys()
        },
        "versions": [(version.value, version == instance.version) for version in Version],
        "tag": instance.version.tag,
        "clock_skew": instance.clock_skew,
        "is_licensed": instance.is_licensed,
        "groups": instance.groups.items(),
    }


def _field(key: str, label: str) -> Field:
    setting, value = SETTINGS[key], instance.configuration[key]
    text = json.dumps(value) if setting.kind == "mapping" else value
    is_from_environment = instance.configuration.is_from_environment(key)
    variable = setting.env_name if is_from_environment else ""
    return Field(key, label, setting.kind, text, variable)


def values_of(form: QueryDict) -> dict[str, Any]:
    """Return the changes that a sent form asks for, or raise ValueError.

    Only what was on the form, which it lists as `shown`: a switch that is off sends nothing. What
    the version that was chosen does not know is left out.
    """
    values: dict[str, Any] = {"is_licensed": "is_licensed" in form}
    try:
        values["version"] = int(form.get("version", ""))
        values["clock_skew"] = int(form.get("clock_skew", ""))
        values["tenants"] = json.loads(form.get("tenants") or "{}")
    except ValueError:
        raise BadConfiguration("version and clock are numbers, tenants are JSON") from None
    for key in form.getlist("shown"):
        setting = instance.configuration.setting(key)
        if setting.since <= values["version"]:
            values[key] = key in form if setting.kind == "switch" else form.get(key)
    return values
