"""Describes a user's account in Metabase: each claim, and what Metabase does with it.

`manage.py metabase_sso explain` prints the results of these functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from django_metabase_sso import claims, tokens
from django_metabase_sso.conf import conf
from django_metabase_sso.exceptions import AccessRefused, InvalidClaim
from django_metabase_sso.http import responses
from django_metabase_sso.http.return_to import clean_return_to
from django_metabase_sso.troubleshooting import Refusal, refusal_of

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

Effect = Literal[
    "identity",
    "synced",
    "attribute",
    "group",
    "removed from all groups",
    "left alone",
    "dropped",
    "tenant",
    "tenant attribute",
    "time",
]


@dataclass(frozen=True)
class Row:
    """One claim or a part of one: its value, what Metabase does with it, and why."""

    claim: str
    value: str
    effect: Effect
    why: str


@dataclass(frozen=True)
class Explanation:
    """The claims of a user, or the refusal.

    `rows` is empty if the user does not get a token. `redirect_bytes` is the length of the
    redirect. If it is too long, `too_large` is its refusal; API requests still get the token.
    """

    rows: list[Row]
    redirect_bytes: int | None = None
    refusal: Refusal | None = None
    too_large: Refusal | None = None


@dataclass(frozen=True)
class AccountNow:
    """The present account of a user in Metabase.

    `typed` are the attributes that an administrator set there. They override those of a token.
    """

    id: int
    is_active: bool
    sso_source: str | None
    groups: list[str]
    typed: dict[str, str]


def account_now(user: AbstractBaseUser, within: float) -> AccountNow | None:
    """Return the user's account, or None if there is none. This needs API_KEY.

    `within` is the time limit for all requests in seconds. Raises MetabaseUnavailable,
    MetabaseRefused, AccessRefused for a user without a valid address, BadSetting without a key,
    and ImportError without the extra `client`.
    """
    from django_metabase_sso import accounts
    from django_metabase_sso.administration.api import opened

    with opened(within, within=within) as api:
        found = accounts.find(user, api=api)
        if found is None:
            return None
        every = api.get("/api/permissions/group")
    groups = [group["name"] for group in every if group["id"] in found.group_ids]
    typed = {key: str(value) for key, value in found.attributes.items()}
    return AccountNow(found.id, found.is_active, found.sso_source, groups, typed)


ATTRIBUTE = (
    "a user attribute, unless an administrator set one of this name in Metabase, which always"
    " takes precedence (Admin > People > Edit user)"
)


def explain(user: AbstractBaseUser) -> Explanation:
    """Return the claims that `user` would get outside of a request. Does not send a signal.

    Raises BadSetting, and all exceptions of the project's callables.
    """
    try:
        grant = tokens.grant_for(user)
    except (AccessRefused, InvalidClaim) as error:
        return Explanation([], refusal=refusal_of(error))
    url = responses.sign_in_url(clean_return_to((), conf.INSTANCE_URL), grant.token)
    too_large = None
    try:
        responses.check_size(url)
    except AccessRefused as error:
        too_large = refusal_of(error)
    return Explanation(_rows(user, grant.payload), len(url), too_large=too_large)


def _rows(user: AbstractBaseUser, payload: Mapping[str, Any]) -> list[Row]:
    names = conf.CLAIM_NAMES
    others = [name for name in payload if name not in {*names.values(), "iat", "exp"}]
    return [
        Row(names["email"], payload[names["email"]], "identity", "finds or creates the account"),
        *(_name(names[key], payload) for key in ("first_name", "last_name")),
        *_groups(user, names["groups"], payload),
        *(Row(name, payload[name], "attribute", ATTRIBUTE) for name in others),
        *_blank_attributes(user, payload),
        *_tenant(names, payload),
        *_times(payload),
    ]


def _name(claim: str, payload: Mapping[str, Any]) -> Row:
    if claim in payload:
        return Row(claim, payload[claim], "synced", "replaces the name at each sign-in")
    return Row(claim, "", "left alone", "not sent, because it is blank here")


def _groups(user: AbstractBaseUser, claim: str, payload: Mapping[str, Any]) -> list[Row]:
    sent = payload.get(claim)
    if sent is None:
        why = "not sent: METABASE_SSO['GROUP_MAPPING'] is not set, or returns None"
        return [Row(claim, "", "left alone", why)]
    mapped = claims.mapped_groups(user, None) or ()
    why = "not sent: METABASE_SSO['ALLOW_ADMINISTRATORS'] is off"
    dropped = [Row(claim, name, "dropped", why) for name in mapped if name not in sent]
    if not sent:
        why = "an empty list: with group sync on, the user is removed from all groups"
        return [*dropped, Row(claim, "[]", "removed from all groups", why)]
    return [*(_group(claim, name) for name in sent), *dropped]


def _group(claim: str, name: str) -> Row:
    why = (
        "with group sync on, gives the user this group's permissions in all of Metabase"
        if claims.is_privileged(name)
        else "with group sync on, the Metabase group of exactly this name; with automatic mapping,"
        " this list replaces all memberships"
    )
    return Row(claim, name, "group", why)


def _blank_attributes(user: AbstractBaseUser, payload: Mapping[str, Any]) -> list[Row]:
    callback = conf.USER_ATTRIBUTES
    values = {} if callback is None else callback(user, None)
    why = "not sent: None or blank, so row-level security finds nothing"
    return [Row(key, "", "dropped", why) for key in values if key not in payload]


def _tenant(names: Mapping[str, str], payload: Mapping[str, Any]) -> list[Row]:
    slug, attributes = names["tenant"], names["tenant_attributes"]
    if slug not in payload:
        why = "not sent (claims.INTERNAL): Metabase refuses an account that belongs to a tenant"
        return [] if conf.TENANT is None else [Row(slug, "", "left alone", why)]
    why = (
        "creates the tenant if it is new, and reactivates a deactivated one; only an administrator"
        " can move an account to another tenant; with tenants off, Metabase refuses the token (57"
        " and older ignore the tenant, and create an internal account)"
    )
    rows = [Row(slug, payload[slug], "tenant", why)]
    why = "added if the tenant does not have this attribute; an existing one is never updated"
    return rows + [
        Row(f"{attributes}: {key}", value, "tenant attribute", why)
        for key, value in payload.get(attributes, {}).items()
    ]


def _times(payload: Mapping[str, Any]) -> list[Row]:
    lifetime = payload["exp"] - payload["iat"]
    return [
        Row("iat", str(payload["iat"]), "time", "Metabase accepts the token for 180 s"),
        Row("exp", str(payload["exp"]), "time", f"the SDK asks again after {lifetime} s"),
    ]
