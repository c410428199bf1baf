"""`/standin/*`: what Metabase's admin pages are for, and what the tests look at. Loopback only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from example_project.standin import responses
from example_project.standin.conf import conf
from example_project.standin.configuration import BadConfiguration
from example_project.standin.redirects import found
from example_project.standin.state import Account, Tenant, instance

View = Callable[[HttpRequest], HttpResponse]
SWITCHES = {
    "sso_enabled": "JWT sign-in is on",
    "provisioning": "User provisioning: create and reactivate accounts",
    "tenants_enabled": "Tenants",
    "sdk_enabled": "Embedding: SDK for React",
    "simple_enabled": "Embedding: web components",
    "guest_enabled": "Embedding: guest and static embeds",
}
GROUP_SYNCS = {
    "off": "Off: memberships are left alone",
    "automatic": "Automatic: the list of names replaces all memberships",
    "manual": "Manual: only the groups of the mapping are touched",
}


def same_origin(view: View) -> View:
    """Refuse changes that another site's page asks for. A client that is no browser may."""

    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        origin = request.headers.get("Origin", conf.site_url)
        ours = {conf.site_url, f"{request.scheme}://{request.get_host()}"}
        is_ours = origin in ours and (
            request.headers.get("Sec-Fetch-Site", "same-origin") in {"same-origin", "none"}
        )
        if request.method not in {"GET", "HEAD"} and not is_ours:
            return responses.json({"error": "another origin may not change this"}, status=403)
        return view(request)

    return checked


@require_http_methods(["GET", "HEAD", "POST", "PATCH"])
@same_origin
def configuration(request: HttpRequest) -> HttpResponse:
    """`/standin/settings`: a page with a form, or JSON for a PATCH."""
    error = None
    if request.method in {"POST", "PATCH"}:
        try:
            _change(_form(request) if request.method == "POST" else json.loads(request.body))
        except ValueError as problem:
            error = str(problem)
    status = 400 if error else 200
    if request.method == "PATCH":
        return responses.json({"error": error} if error else _settings(), status=status)
    context = {
        "switches": [
            (key, label, getattr(instance.configuration, key)) for key, label in SWITCHES.items()
        ],
        "group_syncs": GROUP_SYNCS,
        "configuration": instance.configuration,
        "group_mapping": json.dumps(dict(instance.configuration.group_mapping)),
        "tenants": json.dumps(_tenants()),
        "groups": sorted(instance.groups),
        "accounts": instance.accounts.values(),
        "error": error,
        "saved": request.method == "POST" and not error,
    }
    response = responses.html(request, "settings.html", context, status=status, frames=False)
    # With no-referrer a browser would send `Origin: null` with the page's own forms.
    response["Referrer-Policy"] = "same-origin"
    return response


@require_safe
def state(request: HttpRequest) -> HttpResponse:
    """`/standin/state`: everything but tokens, sessions and the secret."""
    return responses.json(
        {
            "accounts": [_account(account) for account in instance.accounts.values()],
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
    """`/standin/reset`: as new, the settings too."""
    instance.reset()
    if request.headers.get("Sec-Fetch-Mode") == "navigate":  # the button of the page
        return found("/standin/settings")
    return responses.json({"status": "ok"})


def _account(account: Account) -> dict[str, Any]:
    """Return an account as JSON can have it."""
    known = asdict(account)
    known.pop("last_sign_in")
    return {**known, "groups": sorted(account.groups), "is_superuser": account.is_superuser}


def _tenants() -> dict[str, bool]:
    return {tenant.slug: tenant.is_active for tenant in instance.tenants.values()}


def _settings() -> dict[str, Any]:
    return {**asdict(instance.configuration), "tenants": _tenants()}


def _change(values: Any) -> None:
    """Change settings; `tenants` has the known slugs, and whether each is active."""
    if not isinstance(values, Mapping):
        raise BadConfiguration("not a JSON object")
    tenants = values.get("tenants", _tenants())
    if not isinstance(tenants, dict) or not all(isinstance(v, bool) for v in tenants.values()):
        raise BadConfiguration('tenants: not an object like {"acme": true}')
    others = {key: value for key, value in values.items() if key != "tenants"}
    instance.configuration = instance.configuration.changed(others)
    old = instance.tenants
    instance.tenants = {
        slug: Tenant(slug, active, old[slug].attributes if slug in old else {})
        for slug, active in tenants.items()
    }


def _form(request: HttpRequest) -> dict[str, Any]:
    """Return the settings of the page's form."""
    values: dict[str, Any] = {key: key in request.POST for key in SWITCHES}
    values["group_sync"] = request.POST.get("group_sync")
    values["method"] = request.POST.get("method")
    for key in ("group_mapping", "tenants"):
        values[key] = json.loads(request.POST.get(key) or "{}")
    return values
