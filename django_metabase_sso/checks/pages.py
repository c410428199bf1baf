"""Checks of pages that embed: the Content-Security-Policy, templates, sites."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags

from django_metabase_sso.checks.messages import as_written, read, register
from django_metabase_sso.conf.addresses import parse_origin, site_of
from django_metabase_sso.csp import blocked_directives, csp_sources

REQUEST = "django.template.context_processors.request"
# Where a policy is in settings, and the middleware that sends it. django-csp nests the directives.
POLICIES = {
    "SECURE_CSP": "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "CONTENT_SECURITY_POLICY": "csp.middleware.CSPMiddleware",
}


@register(Tags.security)
def check_policy_of_pages(**kwargs: Any) -> list[CheckMessage]:
    """Report a Content-Security-Policy that blocks the instance."""
    instance = read("INSTANCE_URL")
    if instance is None:
        return []
    found: list[CheckMessage] = []
    is_self = instance.host.partition(":")[0] in settings.ALLOWED_HOSTS
    for name, middleware in POLICIES.items():
        policy = getattr(settings, name, None)
        if middleware not in settings.MIDDLEWARE or not isinstance(policy, dict):
            continue
        directives = policy.get("DIRECTIVES", policy)
        blocked = blocked_directives(directives, instance.origin, is_self=is_self)
        if blocked:
            needed = csp_sources(str(instance), full_app=True)
            missing = ", ".join(f'"{directive}": {needed[directive]}' for directive in blocked)
            what = "Metabase's embeds"
            if blocked == ["form-action"]:
                what = "redirects from your login form to Metabase"
            message = f"{name} blocks {what}: {', '.join(blocked)}."
            hint = f"Add {missing}; csp_sources() of django_metabase_sso.csp returns them."
            found.append(checks.Warning(message, hint, id="metabase_sso.W017"))
    return found


@register(Tags.templates)
def check_request(**kwargs: Any) -> list[CheckMessage]:
    """Report templates in which a guest embed would find no request."""
    engines: Any = settings.TEMPLATES
    options = [
        engine.get("OPTIONS", {})
        for engine in engines
        if engine.get("BACKEND") == "django.template.backends.django.DjangoTemplates"
    ]
    processors = [p for each in options for p in each.get("context_processors", ())]
    if not options or not as_written("EMBEDDING_SECRET_KEY") or REQUEST in processors:
        return []
    message = "Guest embeds need the request, but templates do not receive it."
    hint = f'Add "{REQUEST}" to the context_processors in TEMPLATES.'
    return [checks.Warning(message, hint, id="metabase_sso.W022")]


@register(Tags.security, deploy=True)
def check_sites(**kwargs: Any) -> list[CheckMessage]:
    """Report that no browser without third-party cookies can sign in inside a frame."""
    instance = read("INSTANCE_URL")
    hosts = [host.lstrip(".") for host in settings.ALLOWED_HOSTS]
    sites = {site_of(host) for host in hosts if "." in host.strip("*.")}
    if instance is None or not sites or site_of(instance.host) in sites:
        return []
    if parse_origin(instance.origin).is_local:
        return []
    message = (
        f"This site ({', '.join(sorted(sites))}) and METABASE_SSO['INSTANCE_URL']"
        f" ({instance.host}) are different sites. In Safari, a full-app frame keeps asking you to"
        " sign in, and signing out of this site does not sign out of Metabase."
    )
    hint = (
        "Embed web components ({% metabase_dashboard %}), which do not need Metabase's cookie, or"
        " serve both from one site. Silence this check if you do not use full-app frames."
    )
    return [checks.Warning(message, hint, id="metabase_sso.W018")]
