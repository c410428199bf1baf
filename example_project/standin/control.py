"""`/standin/*`: settings and state, for administrators of the demo and for tests.

The stand-in serves these pages only at localhost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import wraps
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from example_project.standin import responses, settings_page
from example_project.standin.configuration import BadConfiguration
from example_project.standin.directory import Account
from example_project.standin.redirects import found
from example_project.standin.state import Tenant, instance
from example_project.standin.tenants import add

View = Callable[[HttpRequest], HttpResponse]
SHOWN = 50  # accounts on the page


def same_origin(view: View) -> View:
    """Refuse changes from pages of other sites. Clients other than browsers are allowed."""

    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        site_url = instance.configuration["site-url"] or ""
        here = f"{request.scheme}://{request.get_host()}"
        origin = request.headers.get("Origin", here)
        is_ours = origin in {site_url, here} and (
            request.headers.get("Sec-Fetch-Site", "same-origin") in {"same-origin", "none"}
        )
        if request.method not in {"GET", "HEAD"} and not is_ours:
            return responses.json({"error": "another origin may not change this"}, status=403)
        return view(request)

    return checked


@require_http_methods(["GET", "HEAD", "POST", "PATCH"])
@same_origin
def configuration(request: HttpRequest) -> HttpResponse:
    """Answer `/standin/settings`: a page with a form, or JSON for a PATCH.

    The keys of the JSON are Metabase's settings (`jwt-enabled` or `jwt_enabled`), and `version`,
    `clock_skew`, `is_licensed`, `environment` and `tenants`.
    """
    error = None
    if request.method in {"POST", "PATCH"}:
        try:
            is_form = request.method == "POST"
            change(settings_page.values_of(request.POST) if is_form else json.loads(request.body))
        except ValueError as problem:
            error = str(problem)
    status = 400 if error else 200
    if request.method == "PATCH":
        return responses.json({"error": error} if error else _settings(), status=status)
    context = {
        **settings_page.fields(),
        "tenants": json.dumps(_tenants()),
        "accounts": list(islice(instance.accounts, SHOWN)),
        "more_accounts": max(len(instance.accounts) - SHOWN, 0),
        "error": error,
        "saved": request.method == "POST" and not error,
    }
    response = responses.html(request, "settings.html", context, status=status, frames=False)
    # With no-referrer, browsers would send `Origin: null` with the forms of this page.
    response["Referrer-Policy"] = "same-origin"
    return response


@require_safe
def state(request: HttpRequest) -> HttpResponse:
    """Answer `/standin/state`: everything except tokens, session ids, keys and secrets."""
    return responses.json(
        {
            "accounts": [_account(account) for account in instance.accounts],
            "tenants": [asdict(tenant) for tenant in instance.tenants.values()],
            "sessions": len(instance.sessions),
            "sign_ins": [asdict(sign_in) for sign_in in instance.sign_ins],
            "refusals": list(instance.refusals),
            "settings": _settings(),
        }
    )


@require_POST
@same_origin
def reset(request: HttpRequest) -> HttpResponse:
    """Answer `/standin/reset`: reset the accounts and the settings."""
    instance.reset()
    if request.headers.get("Sec-Fetch-Mode") == "navigate":  # the button on the page
        return found("/standin/settings")
    return responses.json({"status": "ok"})


@require_POST
@same_origin
def accounts(request: HttpRequest) -> HttpResponse:
    """Answer `/standin/accounts`: create accounts, one or a hundred thousand.

    The body is a JSON object with fields of `Account`, and `count` (1 by default). In `email`,
    `first_name` and `last_name`, `{}` is replaced by 1, 2, 3 and so on.
    """
    try:
        made = _make_accounts(json.loads(request.body))
    except (ValueError, LookupError, TypeError, AttributeError) as problem:
        return responses.json({"error": str(problem)}, status=400)
    return responses.json({"made": made, "total": len(instance.accounts)})


def _make_accounts(fields: dict[str, Any]) -> int:
    """Create accounts, and return how many. An account with the same address is replaced."""
    count = int(fields.pop("count", 1))
    groups = set(fields.pop("groups", ["All Users"]))
    names = {
        name: fields.pop(name) for name in ("email", "first_name", "last_name") if name in fields
    }
    for number in range(1, count + 1):
        own: dict[str, Any] = {
            name: str.replace(text, "{}", str(number)) for name, text in names.items()
        }
        email = own.pop("email").lower()
        there = instance.accounts.get(email)
        identity = there.id if there else instance.accounts.next_id
        account = Account(identity, email, sso_source="jwt", groups=set(groups))
        for name, value in {**fields, **own}.items():
            setattr(account, name, value)
        instance.accounts.add(account)
    return count


def _account(account: Account) -> dict[str, Any]:
    """Return an account for JSON. `attributes` are those that row-level security compares."""
    return {
        "id": account.id,
        "email": account.email,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "sso_source": account.sso_source,
        "is_active": account.is_active,
        "is_superuser": account.is_superuser,
        "groups": sorted(account.groups),
        "attributes": instance.attributes_of(account),
        "tenant": account.tenant,
    }


def _tenants() -> dict[str, bool]:
    return {tenant.slug: tenant.is_active for tenant in instance.tenants.values()}


def _settings() -> dict[str, Any]:
    return {
        **instance.configuration.values(),
        "version": instance.version,
        "clock_skew": instance.clock_skew,
        "is_licensed": instance.is_licensed,
        "environment": sorted(instance.configuration.environment),
        "tenants": _tenants(),
    }


def change(values: Any) -> None:
    """Change settings. `tenants` maps the slug of each tenant to whether it is active."""
    if not isinstance(values, Mapping):
        raise BadConfiguration("not a JSON object")
    tenants = values.get("tenants", _tenants())
    if not isinstance(tenants, dict) or not all(isinstance(v, bool) for v in tenants.values()):
        raise BadConfiguration('tenants: not an object like {"acme": true}')
    instance.update({key: value for key, value in values.items() if key != "tenants"})
    for slug in instance.tenants.keys() - tenants.keys():
        del instance.tenants[slug]
    for slug, is_active in tenants.items():
        tenant: Tenant = instance.tenants.get(slug) or add(instance, slug)
        if tenant.is_active != is_active:
            instance.set_tenant_active(tenant, is_active=is_active)
