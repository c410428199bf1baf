"""Metabase's settings: their keys and values, and which of them the environment sets."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from example_project.standin.versions import Version

Kind = Literal["switch", "text", "mapping"]
Visibility = Literal["admin", "authenticated", "public"]
MASK = "*" * 10
LOCALHOST = "localhost:*"


class BadConfiguration(ValueError):
    """The setting does not exist, or cannot have this value."""


@dataclass(frozen=True)
class Setting:
    """A setting of Metabase. `visibility` says who sees it in `/api/session/properties`."""

    key: str
    kind: Kind
    default: Any = None
    visibility: Visibility = "admin"
    is_secret: bool = False
    since: int = 56
    has_variable: bool = True  # an environment variable can set it

    @property
    def env_name(self) -> str:
        return "MB_" + self.python_name.upper()

    @property
    def python_name(self) -> str:
        """The key as a Python name. Metabase derives the environment variable in the same way."""
        return self.key.replace("-", "_").replace("?", "")

    def parsed(self, value: Any) -> Any:
        """Return the value with the right type, or None for the default.

        As in Metabase, a boolean may also be the string "true" or "false". Raises
        BadConfiguration if the value is not valid.
        """
        if value is None or value == "":
            return None
        if self.kind == "switch" and isinstance(value, str):
            value = {"true": True, "false": False}.get(value.lower(), value)
        if self.kind == "mapping" and isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise BadConfiguration(f"{self.key}: not JSON") from None
        if not {"switch": _is_switch, "text": _is_text, "mapping": _is_mapping}[self.kind](value):
            raise BadConfiguration(f"{self.key}: this value is not valid")
        return value


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_mapping(value: object) -> bool:
    """Return whether the value maps names to ids of groups, like `{"analyst": [4, 5]}`."""
    return isinstance(value, dict) and all(
        isinstance(ids, list) and all(type(number) is int for number in ids)
        for ids in value.values()
    )


SETTINGS = {
    setting.key: setting
    for setting in (
        Setting("site-url", "text", visibility="public"),
        Setting("site-locale", "text", "en", visibility="public"),
        Setting("jwt-enabled", "switch", default=False, visibility="public"),
        Setting("jwt-shared-secret", "text", is_secret=True),
        Setting("jwt-identity-provider-uri", "text"),
        Setting("jwt-user-provisioning-enabled?", "switch", default=True),
        Setting("jwt-attribute-email", "text", "email"),
        Setting("jwt-attribute-firstname", "text", "first_name"),
        Setting("jwt-attribute-lastname", "text", "last_name"),
        Setting("jwt-attribute-groups", "text", "groups"),
        Setting("jwt-attribute-tenant", "text", "@tenant", since=58),
        Setting("jwt-attribute-tenant-attributes", "text", "@tenant.attributes", since=60),
        Setting("jwt-group-sync", "switch", default=False),
        Setting("jwt-group-mappings", "mapping", {}),
        Setting("saml-enabled", "switch", default=False, visibility="public"),
        Setting("enable-embedding-sdk", "switch", default=False, visibility="authenticated"),
        Setting("enable-embedding-simple", "switch", default=False, visibility="authenticated"),
        Setting("enable-embedding-static", "switch", default=False, visibility="authenticated"),
        Setting(
            "enable-embedding-modular",
            "switch",
            default=False,
            visibility="authenticated",
            since=65,
        ),
        Setting(
            "enable-embedding-interactive", "switch", default=False, visibility="authenticated"
        ),
        Setting("embedding-app-origins-sdk", "text", LOCALHOST, visibility="public"),
        Setting("embedding-app-origins-interactive", "text", visibility="public"),
        Setting("embedding-secret-key", "text", is_secret=True),
        Setting("disable-cors-on-localhost", "switch", default=False, visibility="authenticated"),
        Setting("session-cookie-samesite", "text", "lax", visibility="authenticated"),
        Setting(
            "use-tenants",
            "switch",
            default=False,
            visibility="authenticated",
            since=58,
            has_variable=False,
        ),
    )
}
BY_PYTHON_NAME = {setting.python_name: setting.key for setting in SETTINGS.values()}
EMBEDDINGS = ("sdk", "simple", "static")
OLD_NAMES = {
    "MB_ENABLE_EMBEDDING": "MB_ENABLE_EMBEDDING_",
    "MB_EMBEDDING_APP_ORIGIN": "MB_EMBEDDING_APP_ORIGINS_",
}
SWITCHES_OF_EMBEDDING = tuple(key for key in SETTINGS if key.startswith("enable-embedding-"))


class Configuration:
    """The values of Metabase's settings.

    A value comes from the environment, otherwise from what an administrator has set, otherwise it
    is the default. `typed` is what the administrator has set; its keys may be Metabase's or Python
    names (`jwt_enabled`). `environment` has names like MB_JWT_ENABLED; other names are ignored.
    """

    def __init__(
        self,
        version: Version,
        typed: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.version = version
        self.environment = dict(environment or {})
        self._check_old_names()
        self._typed: dict[str, Any] = {}
        for name, value in (typed or {}).items():
            setting = self.setting(name)
            self._typed[setting.key] = setting.parsed(value)

    def moved_to(self, version: Version, environment: Mapping[str, str]) -> Configuration:
        """Return the configuration after a change of version. What was set by hand stays."""
        found = Configuration(version, environment=environment)
        found._typed = dict(self._typed)
        return found

    def __repr__(self) -> str:
        return f"Configuration({self.version!r}, {self.values()!r})"

    def __iter__(self) -> Iterator[Setting]:
        """Iterate over the settings that this version has."""
        return (found for found in SETTINGS.values() if found.since <= self.version)

    def _check_old_names(self) -> None:
        """Raise BadConfiguration if a variable and its successor are set, as Metabase does."""
        for old, new in OLD_NAMES.items():
            beside = [name for name in self.environment if name.startswith(new)]
            if old in self.environment and beside:
                raise BadConfiguration(f"{old} is set beside {', '.join(sorted(beside))}")

    def setting(self, name: str) -> Setting:
        """Return the setting with this key, which may be Metabase's or the Python name."""
        found = SETTINGS.get(BY_PYTHON_NAME.get(name, name))
        if found is None or found.since > self.version:
            raise BadConfiguration(f"{name}: no such setting")
        return found

    def is_from_environment(self, key: str) -> bool:
        setting = SETTINGS[key]
        return setting.has_variable and setting.env_name in self.environment

    def __getitem__(self, key: str) -> Any:
        """Return the effective value of the setting with this key of Metabase."""
        value = self._stored(key)
        if key == "jwt-enabled":
            needed = ["jwt-shared-secret"]
            if self.version.needs_provider_uri:
                needed.append("jwt-identity-provider-uri")
            return bool(value) and all(self[name] for name in needed)
        if key == "enable-embedding-modular" and self._stored(key, None) is None:
            return any(self[f"enable-embedding-{kind}"] for kind in EMBEDDINGS)
        if key == "embedding-app-origins-sdk" and not self["disable-cors-on-localhost"]:
            return " ".join([LOCALHOST, *_without_localhost(value)])
        return value

    def _stored(self, key: str, *default: Any) -> Any:
        setting = SETTINGS[key]
        if self.is_from_environment(key):
            value = setting.parsed(self.environment[setting.env_name])
        else:
            value = self._typed.get(key)
        if value is not None:
            return value
        return default[0] if default else setting.default

    def is_on(self, kind: Literal["sdk", "simple", "static"]) -> bool:
        """Return whether this kind of embedding is switched on."""
        modular = "enable-embedding-modular"
        return bool(
            self[modular if self.version.has_modular_switch else f"enable-embedding-{kind}"]
        )

    @property
    def claim_names(self) -> dict[str, str]:
        """The names of the claims that Metabase uses."""
        parts = ("email", "firstname", "lastname", "groups", "tenant", "tenant-attributes")
        return {part: self[f"jwt-attribute-{part}"] for part in parts}

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values with Metabase's keys, or raise BadConfiguration."""
        found = {}
        for name, value in values.items():
            setting = self.setting(name)
            found[setting.key] = setting.parsed(value)
        key = found.get("embedding-secret-key")
        if key is not None and not re.fullmatch("[0-9a-fA-F]{64}", key):
            raise BadConfiguration("embedding-secret-key: not 64 hexadecimal digits")
        return found

    def change(self, values: Mapping[str, Any]) -> None:
        """Set all of these settings, or none if one of them is not valid. None means the default.

        A setting that comes from the environment keeps its value, without an error.
        """
        checked = self.checked(values)
        if "embedding-app-origins-sdk" in checked:
            kept = _without_localhost(checked["embedding-app-origins-sdk"] or "")
            checked["embedding-app-origins-sdk"] = " ".join(kept) or None
        self._typed.update(checked)
        is_switched_on = any(checked.get(key) for key in SWITCHES_OF_EMBEDDING)
        if is_switched_on and not self["embedding-secret-key"]:
            self._typed["embedding-secret-key"] = secrets.token_hex(32)

    def values(self) -> dict[str, Any]:
        """Return all settings except secrets."""
        return {found.key: self[found.key] for found in self if not found.is_secret}

    def public(self, *, is_signed_in: bool, is_administrator: bool = False) -> dict[str, Any]:
        """Return the settings in the session properties. Administrators see all except secrets."""
        seen = {"public"}
        seen |= {"authenticated"} if is_signed_in else set()
        seen |= {"admin"} if is_administrator else set()
        return {
            found.key: self[found.key]
            for found in self
            if found.visibility in seen and not found.is_secret
        }

    def listed(self) -> list[dict[str, Any]]:
        """Return the settings as `GET /api/setting` does.

        The value is null there if it is the default or comes from the environment.
        """
        return [self._listed(found) for found in sorted(self, key=lambda found: found.key)]

    def _listed(self, setting: Setting) -> dict[str, Any]:
        is_env = self.is_from_environment(setting.key)
        value = self[setting.key]
        if is_env or value == setting.default:
            value = None
        elif setting.is_secret:
            value = MASK + value[-2:]
        return {
            "key": setting.key,
            "value": value,
            "is_env_setting": is_env,
            "env_name": setting.env_name,
            "default": f"Using value of env var ${setting.env_name}"
            if is_env
            else setting.default,
        }


def _without_localhost(origins: str) -> list[str]:
    """Return the origins in their order, without duplicates and those that are always allowed."""
    others = [o for o in origins.split() if not re.fullmatch(r"localhost:(\*|\d+)", o)]
    return list(dict.fromkeys(others))
