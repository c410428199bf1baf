"""The callables in METABASE_SSO: policy, groups, attributes, tenant and guest parameters."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from django_metabase_sso.claims import INTERNAL, django_groups
from django_metabase_sso.policies import deny_emails
from example_project.people.models import Person

# Nobody can get a token for the accounts of Metabase's own administrators.
may_use_metabase = deny_emails("*@metabase.example")


def groups_for(user: Person, request: HttpRequest | None) -> list[str]:
    """Return the names of the user's Django groups. The user "crowd" has too many on purpose."""
    if user.username == "crowd":
        return [f"A group with a long name, number {number}" for number in range(200)]
    return django_groups(user, request)


def attributes_for(user: Person, request: HttpRequest | None) -> dict[str, object]:
    """Return what row-level security compares. A blank region is not sent."""
    return {"region": user.region, "is_staff": user.is_staff}


def tenant_for(user: Person, request: HttpRequest | None) -> object:
    """Return the tenant of a customer. All others are internal users, on purpose."""
    return user.tenant if user.is_customer else INTERNAL


# The items that guests may see. They must also be published in Metabase.
GUEST_ITEMS = {("dashboard", 10), ("question", 5)}


def guest_params(
    request: HttpRequest, entity_type: str, entity_id: int | str, custom_context: object
) -> dict[str, object] | None:
    """Return the customer's region, or None to refuse. The browser sent the other arguments."""
    user: Any = request.user
    if not getattr(user, "is_customer", False) or not user.region:
        return None
    if (entity_type, entity_id) not in GUEST_ITEMS or custom_context not in (None, user.tenant):
        return None
    return {"region": user.region}
