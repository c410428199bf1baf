"""Compares Metabase's settings with those that this project needs, and writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from django_metabase_sso import tokens
from django_metabase_sso.administration.api import NEWEST, Api
from django_metabase_sso.conf import conf
from django_metabase_sso.conf.addresses import GUEST_DASHBOARD, SERVER_SIGN_IN, site_of
from django_metabase_sso.exceptions import MetabaseError, MetabaseUnavailable

Embed = Literal["components", "sdk", "full-app", "guests", "static"]
State = Literal["same", "differs", "conflict", "environment", "unknown"]

EMBEDS: Final[tuple[Embed, ...]] = ("components", "sdk", "full-app", "guests", "static")
MODULAR: Final = 65  # since this version, one switch for components, the SDK and guest embeds
# These affect more than this site, so they are written only if they are named with --set.
REPORTED: Final = (
    "jwt-user-provisioning-enabled?",
    "site-url",
    "session-cookie-samesite",
    "use-tenants",
)
# Another site may use the present value, so these are changed only if they are named.
REPLACED: Final = ("jwt-shared-secret", "embedding-secret-key", "jwt-identity-provider-uri")
ORIGINS: Final = ("embedding-app-origins-sdk", "embedding-app-origins-interactive")
CLAIM_SETTINGS: Final = {
    "email": "jwt-attribute-email",
    "first_name": "jwt-attribute-firstname",
    "last_name": "jwt-attribute-lastname",
    "groups": "jwt-attribute-groups",
    "tenant": "jwt-attribute-tenant",
    "tenant_attributes": "jwt-attribute-tenant-attributes",
}
# The key of METABASE_SSO, and the environment variable that the documentation uses.
SECRETS: Final = {
    "jwt-shared-secret": ("JWT_SHARED_SECRET", "METABASE_JWT_SHARED_SECRET"),
    "embedding-secret-key": ("EMBEDDING_SECRET_KEY", "METABASE_EMBEDDING_SECRET_KEY"),
}


@dataclass(frozen=True)
class Setting:
    """One setting of Metabase, with its wanted and its present value.

    `wanted` and `now` are None for a secret. `now` is also None if Metabase was not asked. `where`
    is its place in the admin pages, and `env` its environment variable ("" if there is none).
    """

    key: str
    wanted: Any
    now: Any
    state: State
    where: str
    env: str


@dataclass(frozen=True)
class Plan:
    """The settings for one version of Metabase, in the order in which they are written."""

    version: int
    settings: list[Setting]
    named: frozenset[str]  # the keys of --set, --replace and --sync-groups

    def to_write(self) -> list[Setting]:
        """Return the settings that --apply would change."""
        return [
            setting
            for setting in self.settings
            if self._is_wrong(setting)
            or (
                setting.key in self.named.intersection(REPLACED)
                and setting.state in ("conflict", "unknown")
            )
        ]

    def to_do(self) -> list[Setting]:
        """Return the settings that are wrong, including those that only a person can change."""
        return [
            setting
            for setting in self.settings
            if self._is_wrong(setting) or setting.state in ("conflict", "environment")
        ]

    def only_reports(self, setting: Setting) -> bool:
        """Return whether a setting is not written, because it is not named with --set."""
        return setting.key in REPORTED and setting.key not in self.named

    def _is_wrong(self, setting: Setting) -> bool:
        return setting.state == "differs" and not self.only_reports(setting)


def wanted(
    site: str, path: str, embeds: Iterable[Embed], version: int, *, sync_groups: bool
) -> dict[str, Any]:
    """Return the wanted value of each setting, in the order in which they are written.

    `site` is your site's origin, and `path` the path of the sign-in view. JWT is turned on last,
    so that users cannot sign in before all settings are written. Secrets are `Secret` objects.
    """
    kinds = set(embeds)
    found: dict[str, Any] = {
        "site-url": str(conf.INSTANCE_URL),
        "jwt-user-provisioning-enabled?": True,
        "jwt-identity-provider-uri": f"{site}{path}",
        "jwt-shared-secret": conf.JWT_SHARED_SECRET,
    }
    claims = ["email", "first_name", "last_name"]
    claims += ["groups"] if conf.GROUP_MAPPING is not None else []
    if conf.TENANT is not None:
        found["use-tenants"] = True
        claims += ["tenant"]
        claims += ["tenant_attributes"] if conf.TENANT_ATTRIBUTES is not None else []
    found.update({CLAIM_SETTINGS[claim]: conf.CLAIM_NAMES[claim] for claim in claims})
    if sync_groups:
        found["jwt-group-mappings"] = {}  # automatic mapping, by name
        found["jwt-group-sync"] = True
    if kinds & {"guests", "static"}:
        found["embedding-secret-key"] = conf.EMBEDDING_SECRET_KEY
    found.update(_embedding(site, kinds, version))
    found["jwt-enabled"] = True
    return found


def plan(api: Api | None, version: int, wants: dict[str, Any], named: Iterable[str]) -> Plan:
    """Compare the wanted values with the present ones. Without an API, these are unknown.

    Raises MetabaseUnavailable and MetabaseRefused.
    """
    rows = {} if api is None else listed(api)
    settings = [_compared(api, key, value, rows.get(key), version) for key, value in wants.items()]
    return Plan(version, settings, frozenset(named))


def apply(api: Api, found: Plan, wants: dict[str, Any]) -> tuple[list[str], MetabaseError | None]:
    """Write the settings. Return the keys that were written, and the error that stopped it."""
    applied: list[str] = []
    for setting in found.to_write():
        value = wants[setting.key]
        if setting.key in ORIGINS:
            value = _joined_origins(setting.now, value)
        try:
            api.put(f"/api/setting/{setting.key.replace('?', '%3F')}", {"value": value})
        except MetabaseError as error:
            return applied, error
        applied.append(setting.key)
    return applied, None


def env_lines(found: Plan) -> list[str]:
    """Return lines for Metabase's environment, with variables instead of secrets."""
    lines = []
    for setting in found.settings:
        if found.only_reports(setting):
            continue
        if not setting.env:
            lines.append(
                f"# {setting.key} has no environment variable: set it in {setting.where}."
            )
        elif setting.key in SECRETS:
            lines.append(f"{setting.env}=${{{SECRETS[setting.key][1]}}}")
        else:
            lines.append(f"{setting.env}={_env_text(setting.wanted)}")
    return lines


def _embedding(site: str, kinds: set[Embed], version: int) -> dict[str, Any]:
    """Return the origins and switches of embedding, with the names of this version.

    Metabase does not start if its environment contains old and new names together.
    """
    found: dict[str, Any] = {}
    origins = list(dict.fromkeys([site, *(entry.text for entry in conf.ALLOWED_ORIGINS)]))
    if kinds & {"components", "sdk"}:
        found["embedding-app-origins-sdk"] = origins
    if "full-app" in kinds:
        found["embedding-app-origins-interactive"] = origins
        if site_of(site.partition("://")[2]) != site_of(conf.INSTANCE_URL.host):
            found["session-cookie-samesite"] = "none"
        found["enable-embedding-interactive"] = True
    if version >= MODULAR:
        if kinds - {"full-app"}:
            found["enable-embedding-modular"] = True
        return found
    if "components" in kinds:
        found["enable-embedding-simple"] = True
    if "sdk" in kinds:
        found["enable-embedding-sdk"] = True
    if kinds & {"guests", "static"}:
        found["enable-embedding-static"] = True
    return found


def listed(api: Api) -> dict[str, dict[str, Any]]:
    """Return each setting's row, with the value in use.

    The list leaves out default values and values from the environment. Most of the latter are in
    the properties of the session.
    """
    rows = api.get("/api/setting")
    if not isinstance(rows, list):
        raise MetabaseUnavailable(
            "Metabase, GET /api/setting: the response is not a list of settings."
        )
    found = {str(row["key"]): row for row in rows if isinstance(row, dict) and "key" in row}
    properties = api.properties()
    for key, row in found.items():
        if row.get("is_env_setting"):
            row["value"] = properties.get(key, row.get("value"))
        elif row.get("value") is None:
            row["value"] = row.get("default")
    return found


def _compared(
    api: Api | None, key: str, value: Any, row: dict[str, Any] | None, version: int
) -> Setting:
    now = None if row is None else row.get("value")
    state = _state(api, key, value, row, now)
    if key in SECRETS:
        value, now = None, None
    return Setting(key, value, now, state, where(key, version), env_of(key))


def _state(api: Api | None, key: str, value: Any, row: dict[str, Any] | None, now: Any) -> State:
    if api is None or row is None:
        return "unknown"
    if key in SECRETS:
        state = _secret_state(api, key, now)
    elif key in ORIGINS:
        state = "same" if set(value) <= set(_split_origins(now)) else "differs"
    elif _plain(now) == _plain(value):
        state = "same"
    else:
        state = "conflict" if key in REPLACED and now else "differs"
    if not row.get("is_env_setting") or state in ("same", "unknown"):
        return state
    return "unknown" if now is None else "environment"


def _secret_state(api: Api, key: str, now: Any) -> State:
    """Return whether the secrets are the same, if that can be proved. Metabase masks secrets.

    A token without an e-mail address cannot sign in. Metabase refuses it for its signature if the
    secrets differ, and for the missing address if they are the same.
    """
    if not now:
        return "differs"
    if key == "jwt-shared-secret":
        token = tokens.sign(tokens.with_times({}))
        said = api.probe("POST", SERVER_SIGN_IN, {"jwt": token})
        proofs = {"JWT token missing email claim": "same", "Message seems corrupt": "conflict"}
    else:
        guest = tokens.guest_token("dashboard", tokens.LARGEST_ID, {})
        said = api.probe("GET", f"{GUEST_DASHBOARD}/{guest}")
        proofs = {"Not found": "same", "Message seems corrupt": "conflict"}
    for text, state in proofs.items():
        if text in said:
            return state  # type: ignore[return-value]
    return "unknown"


def _split_origins(value: Any) -> list[str]:
    return value.split() if isinstance(value, str) else []


def _joined_origins(now: Any, wants: list[str]) -> str:
    """Return the present origins and the missing ones. Origins are never removed."""
    return " ".join(dict.fromkeys([*_split_origins(now), *wants]))


def _plain(value: Any) -> Any:
    """Return a value for comparison. Metabase ignores a slash at the end of an address."""
    return value.rstrip("/") if isinstance(value, str) else value


def _env_text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return value if isinstance(value, str) else json.dumps(value)


def env_of(key: str) -> str:
    """Return the environment variable of a setting, or "" if Metabase has none."""
    if key == "use-tenants":
        return ""
    return "MB_" + key.replace("?", "").replace("-", "_").upper()


def where(key: str, version: int = NEWEST) -> str:
    """Return where a setting is in the admin pages of this version of Metabase."""
    is_newest = version >= MODULAR
    if key.startswith("jwt-"):
        return (
            "Embedding hub > Authentication"
            if is_newest
            else "Admin > Settings > Authentication > JWT"
        )
    if key == "use-tenants":
        return "Admin > People > Tenants"
    if key == "site-url":
        return "Admin > Settings > General"
    return "Embedding hub > Security" if is_newest else "Admin > Embedding"
