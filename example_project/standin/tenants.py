"""Determines the tenant of a sign-in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from example_project.standin.attributes import is_reserved, java_text
from example_project.standin.directory import Account
from example_project.standin.refusals import Invalid, Refused
from example_project.standin.reports import Dropped
from example_project.standin.state import Instance, Tenant

SLUG = "[-_a-z0-9]{1,255}"


def slug_of(instance: Instance, claims: Mapping[str, Any]) -> str | None:
    """Return the slug in the claims, which may be a string or an integer, or None.

    Its type is checked first, even if tenants are off.
    """
    value = claims.get(instance.configuration.claim_names["tenant"])
    if value is None or not instance.version.has_tenants:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Refused("Value of `@tenant` must be a string", 401)
    return str(value)


def check(instance: Instance, slug: str | None, account: Account | None) -> None:
    """Refuse the sign-in if the token does not fit the tenant: a token cannot move an account."""
    before = account.tenant if account else None
    if not instance.version.has_tenants:
        return
    if not instance.has_tenants and (slug is not None or before is not None):
        raise _forbidden("Tenants and tenant users are disabled.")
    if account and slug is None and before is not None:
        raise _forbidden("Tenant claim required for external user")
    if account and slug is not None and before is None:
        raise _forbidden("Cannot add tenant claim to internal user")
    if account and slug != before:
        raise _forbidden("Tenant ID mismatch with existing user")
    tenant = instance.tenants.get(slug or "")
    if slug is not None and tenant is None:
        _check_new(instance, slug)
    if tenant and not tenant.is_active and not _revives(instance):
        raise _forbidden("Tenant is not active")


def _forbidden(text: str) -> Refused:
    return Refused(text, 403, is_about_tenants=True)


def _check_new(instance: Instance, slug: str) -> None:
    """Refuse a slug that a new tenant cannot have."""
    if not re.fullmatch(SLUG, slug):
        raise Invalid({"slug": "string with the pattern ^[-_a-z0-9]{1,255}$"})
    if any(slug == tenant.name for tenant in instance.tenants.values()):
        text = "This tenant name or slug is already taken."
        raise Refused(text, 400, is_about_tenants=True)


def _revives(instance: Instance) -> bool:
    is_on = instance.configuration["jwt-user-provisioning-enabled?"]
    return bool(is_on and instance.version.revives_tenants)


def update(instance: Instance, slug: str | None, claims: Mapping[str, Any]) -> list[Dropped]:
    """Create or reactivate the tenant and add its attributes; return what was dropped.

    Attributes that the tenant already has are never updated.
    """
    names = instance.configuration.claim_names
    both = [names["tenant"], names["tenant-attributes"]]
    if slug is None:
        is_known = instance.version.has_tenants
        reason = "the token does not name a tenant" if is_known else "this version has no tenants"
        return [Dropped(name, reason) for name in both if name in claims]
    tenant = instance.tenants.get(slug) or add(instance, slug)
    if not tenant.is_active:
        instance.set_tenant_active(tenant, is_active=True)
    sent = claims.get(both[1])
    if sent is None:
        return []
    if not instance.version.has_tenant_attributes:
        return [Dropped(both[1], "this version ignores tenant attributes in a token")]
    if not isinstance(sent, dict):
        return [Dropped(both[1], "not an object")]
    return _add_attributes(tenant, sent, both[1])


def _add_attributes(tenant: Tenant, sent: Mapping[str, Any], claim: str) -> list[Dropped]:
    dropped = []
    for name, value in sent.items():
        if value is None or isinstance(value, (list, dict)):
            dropped.append(Dropped(f"{claim}: {name}", "not a string, number or boolean"))
        elif is_reserved(name):
            dropped.append(Dropped(f"{claim}: {name}", "names that begin with @ are reserved"))
        elif tenant.attributes.setdefault(name, java_text(value)) != java_text(value):
            reason = "the tenant has this attribute, and a token does not update it"
            dropped.append(Dropped(f"{claim}: {name}", reason))
    return dropped


def add(instance: Instance, slug: str, name: str | None = None) -> Tenant:
    """Create a tenant. Its name is the slug by default."""
    number = max((tenant.id for tenant in instance.tenants.values()), default=0) + 1
    tenant = Tenant(number, slug, slug if name is None else name)
    instance.tenants[slug] = tenant
    return tenant
