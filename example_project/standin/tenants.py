"""Which tenant a sign-in belongs to. Only with tenants switched on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from example_project.standin.attributes import java_text
from example_project.standin.directory import Account
from example_project.standin.refusals import Refused
from example_project.standin.reports import Dropped
from example_project.standin.state import Instance, Tenant

SLUG = "[-_a-z0-9]{1,255}"


def slug_of(instance: Instance, claims: Mapping[str, Any]) -> str | None:
    """Return the slug in the claims: a string or an integer; None when there is none."""
    value = claims.get(instance.configuration.claim_names["tenant"])
    if value is None or not instance.has_tenants:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Refused("Value of `@tenant` must be a string", 400)
    return str(value)


def check(instance: Instance, slug: str | None, account: Account | None) -> None:
    """Refuse what Metabase refuses: a person never changes tenant, in any direction."""
    if not instance.has_tenants:
        return
    if account and slug is None and account.tenant is not None:
        raise Refused("Tenant claim required for external user", 403)
    if account and slug is not None and account.tenant is None:
        raise Refused("Cannot add tenant claim to internal user", 403)
    if account and slug != account.tenant:
        raise Refused("Tenant ID mismatch with existing user", 403)
    tenant = instance.tenants.get(slug or "")
    if tenant and not tenant.is_active:
        raise Refused("Tenant is not active", 403)


def update(instance: Instance, slug: str | None, claims: Mapping[str, Any]) -> list[Dropped]:
    """Create the tenant when it is new, with the attributes it is sent; return what was dropped.

    Attributes that are missing are added, and one that the tenant has is never updated.
    """
    names = instance.configuration.claim_names
    both = [names["tenant"], names["tenant-attributes"]]
    if not instance.has_tenants:
        return [Dropped(name, "tenants are off in Metabase") for name in both if name in claims]
    sent = claims.get(both[1])
    if slug is None:
        reason = "the token names no tenant"
        return [Dropped(name, reason) for name in both if name in claims]
    tenant = instance.tenants.get(slug) or add(instance, slug)
    if sent is not None and not isinstance(sent, dict):
        return [Dropped(both[1], "not an object")]
    dropped = []
    for name, value in (sent or {}).items():
        if value is None or isinstance(value, (list, dict)):
            dropped.append(Dropped(f"{both[1]}: {name}", "not a string, number or boolean"))
        elif tenant.attributes.setdefault(name, java_text(value)) != java_text(value):
            reason = "the tenant has it already, and it is never updated"
            dropped.append(Dropped(f"{both[1]}: {name}", reason))
    return dropped


def add(instance: Instance, slug: str, name: str | None = None) -> Tenant:
    """Make a tenant; its name is the slug unless there is one."""
    number = max((tenant.id for tenant in instance.tenants.values()), default=0) + 1
    tenant = Tenant(number, slug, slug if name is None else name)
    instance.tenants[slug] = tenant
    return tenant
