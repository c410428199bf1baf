"""Checks of pages that embed: the Content-Security-Policy, templates, sites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags
from django.core.exceptions import ImproperlyConfigured
from django.template import engines
from django.template.backends.django import DjangoTemplates
from django.template.utils import get_app_template_dirs

from django_metabase_sso.checks.messages import as_written, read, register, remote_instance
from django_metabase_sso.conf.addresses import site_of
from django_metabase_sso.csp import blocked_directives, csp_sources
from django_metabase_sso.embeds import SCRIPT

REQUEST = "django.template.context_processors.request"
USES_SCRIPT: Final = re.compile(r"\{%\s*metabase_config\b(?![^%]*\binline=True)")
# Where a policy is in settings, and the middleware that sends it. django-csp nests the directives.
POLICIES = {
    "SECURE_CSP": "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "CONTENT_SECURITY_POLICY": "csp.middleware.CSPMiddleware",
}


@register(Tags.security)
def check_policy_of_pages(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a Content-Security-Policy that blocks the instance."""
    instance = read("INSTANCE_URL")
    if instance is None:
        return
    is_self = instance.host in settings.ALLOWED_HOSTS  # with another port it is another origin
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
            yield checks.Warning(message, hint, id="metabase_sso.W017")


@register(Tags.templates)
def check_request(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report templates in which a guest embed would find no request."""
    processors = [engine.engine.context_processors for engine in _engines()]
    if processors and as_written("EMBEDDING_SECRET_KEY") and REQUEST not in chain(*processors):
        message = "Guest embeds need the request, but templates do not receive it."
        hint = f'Add "{REQUEST}" to the context_processors in TEMPLATES.'
        yield checks.Warning(message, hint, id="metabase_sso.W022")


@register(Tags.security, deploy=True)
def check_sites(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report that no browser without third-party cookies can sign in inside a frame."""
    instance = remote_instance()
    hosts = [host.lstrip(".") for host in settings.ALLOWED_HOSTS]
    sites = {site_of(host) for host in hosts if "." in host.strip("*.")}
    if instance is not None and sites and site_of(instance.host) not in sites:
        yield checks.Warning(
            f"This site ({', '.join(sorted(sites))}) and METABASE_SSO['INSTANCE_URL']"
            f" ({instance.host}) are different sites. In Safari, a full-app frame keeps asking you"
            " to sign in, and signing out of this site does not sign out of Metabase.",
            "Embed web components ({% metabase_dashboard %}), which do not need Metabase's cookie,"
            " or serve both from one site. Silence this check if you do not use full-app frames.",
            id="metabase_sso.W018",
        )


@register(Tags.staticfiles, deploy=True)
def check_static_files(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report that templates need a script which is not among the collected files."""
    problem = _script_problem() if any(map(USES_SCRIPT.search, _template_texts())) else None
    if problem is not None:
        what, cure = problem
        message = f"Templates use {{% metabase_config %}}, and {what}: components stay blank."
        hint = f"{cure}, or write {{% metabase_config inline=True %}}."
        yield checks.Warning(message, hint, id="metabase_sso.W033")


def _script_problem() -> tuple[str, str] | None:
    """Return what is wrong with the script of the tag, and what to do."""
    if not apps.is_installed("django.contrib.staticfiles"):
        what = "django.contrib.staticfiles, which collects its script, is not installed"
        return what, 'Add "django.contrib.staticfiles" to INSTALLED_APPS, and set STATIC_ROOT'
    if getattr(settings, "WHITENOISE_USE_FINDERS", False):
        return None
    from django.contrib.staticfiles.storage import StaticFilesStorage, staticfiles_storage

    if not isinstance(staticfiles_storage, StaticFilesStorage):
        return None  # on another machine
    try:
        is_there = staticfiles_storage.exists(SCRIPT)
    except ImproperlyConfigured:
        return "STATIC_ROOT is not set", "Set STATIC_ROOT, and run `manage.py collectstatic`"
    return None if is_there else (f"STATIC_ROOT lacks {SCRIPT}", "Run `manage.py collectstatic`")


def _template_texts() -> Iterator[str]:
    """Yield the project's templates for Django's own engine."""
    folders = {Path(folder) for engine in _engines() for folder in engine.template_dirs}
    folders.update(map(Path, get_app_template_dirs("templates")))
    for folder in sorted(folders):
        for file in folder.rglob("*.html"):
            yield file.read_text(errors="replace")


def _engines() -> list[DjangoTemplates]:
    return [engine for engine in engines.all() if isinstance(engine, DjangoTemplates)]
