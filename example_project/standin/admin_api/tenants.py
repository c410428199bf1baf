"""`/api/ee/tenant` lists, creates and changes tenants.

Only this API can update the attributes of a tenant.
"""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest, HttpResponse

from example_project.standin import responses
from example_project.standin.admin_api.access import BadRequest, Missing, administrators, body_of
from example_project.standin.attributes import java_text
from example_project.standin.state import Tenant, instance
from example_project.standin.tenants import SLUG, add


def tenant_json(tenant: Tenant) -> dict[str, Any]:
    """Return a tenant for JSON."""
    return {
        "id": tenant.id,
        "slug": tenant.slug,
        "name": tenant.name,
        "is_active": tenant.is_active,
        "attributes": tenant.attributes,
        "member_count": sum(account.tenant == tenant.slug for account in instance.accounts),
    }


@administrators("GET", "POST", since=lambda version: version.has_tenants, is_paid=True)
def tenants(request: HttpRequest) -> HttpResponse:
    """Answer `GET` and `POST /api/ee/tenant`."""
    if request.method == "GET":
        return responses.json({"data": [tenant_json(t) for t in instance.tenants.values()]})
    body = body_of(request, ["name", "slug", "attributes"])
    name, slug = body.get("name"), body.get("slug")
    if not isinstance(name, str) or not isinstance(slug, str) or not re.fullmatch(SLUG, slug):
        raise BadRequest("A tenant has a name, and a slug of the letters -_a-z0-9.")
    if any(taken in {t.slug, t.name} for t in instance.tenants.values() for taken in (name, slug)):
        raise BadRequest("This tenant name or slug is already taken.")
    attributes = _attributes(body)
    tenant = add(instance, slug, name)
    tenant.attributes = attributes
    return responses.json(tenant_json(tenant))


@administrators("GET", "PUT", since=lambda version: version.has_tenants, is_paid=True)
def one(request: HttpRequest, number: int) -> HttpResponse:
    """Answer `GET` and `PUT /api/ee/tenant/<id>`."""
    tenant = next((found for found in instance.tenants.values() if found.id == number), None)
    if tenant is None:
        raise Missing
    if request.method == "PUT":
        body = body_of(request, ["name", "attributes", "is_active"])
        is_active = body.get("is_active", tenant.is_active)
        if not isinstance(is_active, bool):
            raise BadRequest("is_active is true or false.")
        if "attributes" in body:
            tenant.attributes = _attributes(body)
        tenant.name = body.get("name", tenant.name)
        if is_active != tenant.is_active:
            instance.set_tenant_active(tenant, is_active=is_active)
    return responses.json(tenant_json(tenant))


def _attributes(body: dict[str, Any]) -> dict[str, str]:
    attributes = body.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise BadRequest("attributes is not an object.")
    return {key: java_text(value) for key, value in attributes.items()}
