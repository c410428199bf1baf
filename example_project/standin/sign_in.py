"""Signs in the account that a token names, as Metabase does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from example_project.standin import groups, tenants
from example_project.standin.attributes import user_attributes
from example_project.standin.directory import (
    ADMINISTRATORS,
    ALL_TENANT_USERS,
    ALL_USERS,
    Account,
)
from example_project.standin.refusals import Refused
from example_project.standin.reports import Dropped, How, SignIn
from example_project.standin.state import Instance

SORRY = (
    "Sorry, but you'll need a Metabase account to view this page. Please contact your "
    "administrator."
)


def sign_in(instance: Instance, claims: Mapping[str, Any], how: How) -> Account:
    """Return the account with the e-mail address in the claims, created and synchronized.

    The account is found only by its lower-case address, even if it was not created by a token. If
    Refused is raised, nothing has changed.
    """
    names = instance.configuration.claim_names
    slug = tenants.slug_of(instance, claims)
    email = _email(claims.get(names["email"]))
    account = instance.accounts.get(email)
    _check_provisioning(instance, account)
    tenants.check(instance, slug, account)
    everybody = ALL_USERS if slug is None else ALL_TENANT_USERS
    current = account or Account(instance.accounts.next_id, email, groups={everybody}, tenant=slug)
    members, dropped = groups.synced(
        claims.get(names["groups"]),
        sync_of(instance, is_tenant_user=slug is not None),
        current=current.groups,
        known=instance.groups,
    )
    if _keep_last_administrator(instance, current, members):
        dropped.append(Dropped(names["groups"], "the last administrator cannot leave this group"))
    attributes, dropped_attributes = user_attributes(claims, names.values())
    report = SignIn(email, how, events=_events(account))
    report.joined = sorted(members - current.groups)
    report.left = sorted(current.groups - members)
    report.dropped = dropped + dropped_attributes + tenants.update(instance, slug, claims)
    _sync_names(current, claims, names)
    current.groups, current.jwt_attributes = members, attributes
    current.sso_source = "jwt"
    current.last_sign_in = report
    instance.reactivate(current)
    if account is None:
        instance.accounts.add(current)
    instance.sign_ins.append(report)
    return current


def sync_of(instance: Instance, *, is_tenant_user: bool) -> groups.Sync:
    """Return how the instance synchronizes groups, with names instead of ids in the mapping."""
    configuration = instance.configuration
    name_of = {number: name for name, number in instance.groups.items()}
    return groups.Sync(
        is_on=configuration["jwt-group-sync"],
        mapping={
            name: [name_of[number] for number in numbers if number in name_of]
            for name, numbers in configuration["jwt-group-mappings"].items()
        },
        claim=configuration.claim_names["groups"],
        is_forgiving=instance.version.forgives_groups,
        refuses_other_kind=instance.version.refuses_groups_of_the_other_kind,
        is_tenant_user=is_tenant_user,
    )


def _keep_last_administrator(instance: Instance, account: Account, members: set[str]) -> bool:
    """Keep the last administrator in the group Administrators; return whether that was needed."""
    if ADMINISTRATORS not in account.groups - members:
        return False
    if any(
        other.is_superuser and other.is_active and other is not account
        for other in instance.accounts
    ):
        return False
    members.add(ADMINISTRATORS)
    return True


def _email(value: object) -> str:
    """Return the address in lower case, or refuse the token if it has none."""
    if not isinstance(value, str) or not value.strip():
        raise Refused("JWT token missing email claim", 401)
    return value.lower()


def _check_provisioning(instance: Instance, account: Account | None) -> None:
    """Refuse to create or reactivate an account if user provisioning is off."""
    is_on = instance.configuration["jwt-user-provisioning-enabled?"]
    if not is_on and (account is None or not account.is_active):
        raise Refused(SORRY, 401)


def _events(account: Account | None) -> list[str]:
    """Return sentences about what a sign-in changes apart from groups, names and attributes."""
    if account is None:
        return ["Metabase created this account (and bills for it)."]
    events = []
    if account.sso_source is None:
        kind = "an administrator's" if account.is_superuser else "a"
        events.append(f"This was {kind} password account. It was converted to SSO.")
    if not account.is_active:
        events.append("This account was deactivated. It was reactivated.")
    return events


def _sync_names(account: Account, claims: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Set the two names. Claims that are not strings are ignored."""
    first_name, last_name = claims.get(names["firstname"]), claims.get(names["lastname"])
    if isinstance(first_name, str):
        account.first_name = first_name
    if isinstance(last_name, str):
        account.last_name = last_name
