"""The sources that a Content-Security-Policy must allow, and whether a policy allows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django_metabase_sso.conf import addresses, conf

__all__ = ["csp_sources"]

# The directives, and where each falls back to if it is missing (CSP Level 3). form-action is for
# login forms that lead on to Metabase: Chromium and WebKit apply it to redirects as well.
FALLBACKS: Final = {
    "script-src": ("script-src-elem", "script-src", "default-src"),
    "frame-src": ("frame-src", "child-src", "default-src"),
    "connect-src": ("connect-src", "default-src"),
    "form-action": ("form-action",),
}
SOURCE: Final = re.compile(
    r"(?:(https?)://)?(\*\.)?([a-z0-9._-]+)(:[0-9]+|:\*)?(/.*)?", re.IGNORECASE
)


def csp_sources(
    instance_url: str | None = None, *, full_app: bool = False
) -> dict[str, list[str]]:
    """Return the directives that embeds need, each with `'self'` and the instance's origin.

    Django 6's `SECURE_CSP` and django-csp's `DIRECTIVES` take this form. In a settings file, pass
    the instance URL; elsewhere it is read from METABASE_SSO. `full_app` adds
    `form-action`, which full-app embeds need when users sign in on their way to Metabase. Raises
    ValueError for an invalid URL.
    """
    url = conf.INSTANCE_URL if instance_url is None else addresses.parse_instance_url(instance_url)
    sources = {directive: ["'self'", url.origin] for directive in FALLBACKS}
    if not full_app:
        del sources["form-action"]
    return sources


def blocked_directives(
    policy: Mapping[str, Any], origin: str, *, is_self: bool = False
) -> list[str]:
    """Return the directives of a policy that would block an instance with this origin.

    Set `is_self` if the instance is below a path of this site, so that `'self'` covers it.
    """
    found = []
    for directive in FALLBACKS:
        sources = _sources(policy, directive)
        if not (is_self and "'self'" in sources) and not _allows(directive, sources, origin):
            found.append(directive)
    return found


def _sources(policy: Mapping[str, Any], directive: str) -> list[str]:
    values = [policy[name] for name in FALLBACKS[directive] if policy.get(name) is not None]
    value = values[0] if values else "*"
    if isinstance(value, str):
        return value.split()
    return [str(entry) for entry in value] if isinstance(value, Iterable) else []


def _allows(directive: str, sources: list[str], origin: str) -> bool:
    if "*" in sources:
        return True
    if directive == "script-src" and any("nonce" in source.lower() for source in sources):
        return True  # the tags put the nonce on their scripts
    return any(_matches(source, origin) for source in sources)


def _matches(source: str, origin: str) -> bool:
    scheme, _, netloc = origin.partition("://")
    if source.lower() in {f"{scheme}:", "http:"}:  # http: includes https
        return True
    found = SOURCE.fullmatch(source)
    if found is None:
        return False
    its_scheme, wildcard, its_host, its_port, _ = found.groups(default="")
    host, _, port = netloc.partition(":")
    if its_scheme.lower() not in ("", "http", scheme):
        return False
    if its_port not in (":*", f":{port}" if port else ""):
        return False
    return host.endswith(f".{its_host.lower()}") if wildcard else host == its_host.lower()
