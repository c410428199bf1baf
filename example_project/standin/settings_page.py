"""The form of `/standin/settings`, with the settings of Metabase and of the stand-in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from example_project.standin.configuration import EMBEDDINGS, SETTINGS, BadConfiguration
from example_project.standin.state import instance
from example_project.standin.versions import Version

# The labels of the settings, by subject. All other settings can be changed only by the API.
SUBJECTS = {
    "JWT": {
        "jwt-enabled": "JWT sign-in (needs a secret, in version 65 also a provider URI)",
        "jwt-identity-provider-uri": "JWT Identity Provider URI",
        "jwt-user-provisioning-enabled?": "User provisioning: create and reactivate accounts",
        "saml-enabled": "SAML is on as well: front ends must ask for JWT",
    },
    "Groups": {
        "jwt-group-sync": "Group sync: the groups of a token replace all memberships",
        "jwt-group-mappings": "Mapping to ids: the token then changes only these groups",
    },
    "Embedding": {
        "enable-embedding-modular": "SDK, web components and guest embeds",
        "enable-embedding-sdk": "SDK for React",
        "enable-embedding-simple": "Web components",
        "enable-embedding-static": "Guest and static embeds",
        "enable-embedding-interactive": "Full-app frame",
        "embedding-app-origins-sdk": "Origins whose scripts may call Metabase (CORS)",
        "embedding-app-origins-interactive": "Origins whose pages may show Metabase in a frame",
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
    """A field of the form."""

    key: str
    label: str
    kind: str
    value: Any
    variable: str  # the environment variable that sets it, or ""


def fields() -> dict[str, Any]:
    """Return the template context of the form."""
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
    """Return the changes in a submitted form, or raise ValueError.

    These are only the fields in `shown`, because a checkbox that is off is not sent. Settings that
    the chosen version does not have are left out.
    """
    values: dict[str, Any] = {"is_licensed": "is_licensed" in form}
    try:
        values["version"] = int(form.get("version", ""))
        values["clock_skew"] = int(form.get("clock_skew", ""))
        values["tenants"] = json.loads(form.get("tenants") or "{}")
    except ValueError:
        raise BadConfiguration(
            "version and clock_skew must be numbers, and tenants must be JSON"
        ) from None
    for key in form.getlist("shown"):
        setting = instance.configuration.setting(key)
        if setting.since <= values["version"]:
            values[key] = key in form if setting.kind == "switch" else form.get(key)
    return values
