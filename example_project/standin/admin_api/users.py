"""`/api/user` lists, changes, deactivates and reactivates accounts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from example_project.standin import responses
from example_project.standin.admin_api.access import BadRequest, Missing, administrators, body_of
from example_project.standin.attributes import java_text
from example_project.standin.directory import ALL_TENANT_USERS, ALL_USERS, Account
from example_project.standin.state import instance


def person(account: Account) -> dict[str, Any]:
    """Return an account for JSON."""
    tenant = instance.tenants.get(account.tenant or "")
    groups = sorted(instance.groups[name] for name in account.groups)
    return {
        "id": account.id,
        "email": account.email,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "common_name": account.common_name,
        "is_superuser": account.is_superuser,
        "is_data_analyst": "Data Analysts" in account.groups,
        "is_active": account.is_active,
        "sso_source": account.sso_source,
        "login_attributes": account.typed,
        "jwt_attributes": account.jwt_attributes,
        "tenant_id": tenant.id if tenant else None,
        "locale": None,
        "group_ids": groups,
        "user_group_memberships": [{"id": number} for number in groups],
    }


@administrators("GET")
def listed(request: HttpRequest) -> HttpResponse:
    """Answer `GET /api/user`: a page of the accounts, sorted by name.

    `query` is a part of the address or a name. Tenant users are left out unless `tenancy` is
    `all`, and deactivated accounts unless `status` is `all`.
    """
    query, limit, offset = (request.GET.get(name, "") for name in ("query", "limit", "offset"))
    if not all(text == "" or text.isdecimal() for text in (limit, offset)):
        raise BadRequest("limit and offset are whole numbers.")
    status, tenancy = request.GET.get("status", "active"), request.GET.get("tenancy", "internal")
    found = instance.accounts.search(query, status, tenancy)
    start = int(offset or 0)
    page = found[start : start + int(limit)] if limit else found[start:]
    return responses.json(
        {
            "data": [person(account) for account in page],
            "total": len(found),
            "limit": int(limit) if limit else None,
            "offset": int(offset) if offset else None,
        }
    )


@administrators("GET", "PUT", "DELETE")
def one(request: HttpRequest, number: int) -> HttpResponse:
    """Answer `/api/user/<id>`: return, change or deactivate the account."""
    account = _found(number)
    if request.method == "GET":
        return responses.json(person(account))
    if request.method == "DELETE":
        instance.deactivate(account)
        return responses.json({"success": True})
    _change(
        account, body_of(request, ["tenant_id", "login_attributes", "first_name", "last_name"])
    )
    return responses.json(person(account))


@administrators("PUT")
def reactivate(request: HttpRequest, number: int) -> HttpResponse:
    """Answer `PUT /api/user/<id>/reactivate`."""
    account = _found(number)
    if account.is_active:
        raise BadRequest("Not able to reactivate an active user")
    instance.reactivate(account)
    return responses.json(person(account))


@administrators("GET")
def groups(request: HttpRequest) -> HttpResponse:
    """Answer `GET /api/permissions/group`: names and ids."""
    return responses.json(
        [
            {
                "id": number,
                "name": name,
                "member_count": sum(name in account.groups for account in instance.accounts),
            }
            for name, number in instance.groups.items()
        ]
    )


def _found(number: int) -> Account:
    account = instance.accounts.by_id(number)
    if account is None:
        raise Missing
    return account


def _change(account: Account, body: dict[str, Any]) -> None:
    """Change what an administrator may change: names, attributes and the tenant."""
    attributes = body.get("login_attributes", account.typed)
    if attributes is not None and not isinstance(attributes, dict):
        raise BadRequest("login_attributes is not an object.")
    number, slug = body.get("tenant_id"), None
    if number is not None:
        slug = next((t.slug for t in instance.tenants.values() if t.id == number), None)
        if slug is None:
            raise BadRequest("No such tenant.")
    if "tenant_id" in body:
        account.tenant = slug
        everybody = {ALL_USERS, ALL_TENANT_USERS}
        account.groups = account.groups - everybody | {ALL_TENANT_USERS if slug else ALL_USERS}
    account.typed = {key: java_text(value) for key, value in (attributes or {}).items()}
    account.first_name = body.get("first_name", account.first_name)
    account.last_name = body.get("last_name", account.last_name)
    instance.accounts.changed()
