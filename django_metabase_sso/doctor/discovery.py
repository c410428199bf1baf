"""Is JWT sign-in on, and what does Metabase tell a front end that asks how to sign in?"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from django_metabase_sso.doctor.answers import Answer, refusal
from django_metabase_sso.doctor.findings import Finding, Level, Step
from django_metabase_sso.doctor.network import SDK, Remote

PREFERRING: Final = "/auth/sso?preferred_method=jwt"
EMBEDS: Final = {SDK: "the SDK for React", "embedding-simple": "web components (embed.js)"}
OLD: Final = Finding(
    "warning",
    "method",
    "Metabase redirects where front ends expect JSON.",
    "It is older than version 55, or something in front takes X-Metabase-Client away.",
    "Links and iframes work; for modular embedding, run Metabase 55 or newer.",
)
ONLY_SAML: Final = Finding(
    "fault",
    "method",
    "Metabase answers `saml` even to a front end that prefers JWT.",
    "SAML is on in Metabase and JWT is not.",
    "Switch JWT on as well: Admin > Settings > Authentication > JWT.",
)
SAML_AS_WELL: Final = Finding(
    "warning",
    "method",
    "JWT sign-in is on, and Metabase answers `saml` to a front end that does not ask for it.",
    "SAML is on as well, and wins.",
    'Set `preferredAuthMethod: "jwt"` in the front end, or switch SAML off in Metabase.',
)
JWT: Final = Finding("ok", "method", "JWT sign-in is on, and front ends are told to use it.")


def discover(remote: Remote, *, embeds: bool) -> Step[str | None]:
    """Ask as the embeds do, with and without preferring JWT; learn the Identity Provider URI.

    `embeds` says whether this project has pages that embed.
    """
    answers = {kind: _ask(remote, PREFERRING, kind) for kind in EMBEDS}
    off = [kind for kind, answer in answers.items() if _is_disabled(answer)]
    on = [kind for kind in answers if kind not in off]
    level: Level = "warning" if on or not embeds else "fault"
    for kind in off:
        told = refusal("embedding", answers[kind])
        cause = f"{told.cause} Pages with {EMBEDS[kind]} cannot sign in; links can."
        yield replace(told, level=level, cause=cause)
    if not on:  # links and iframes go on working
        answer = remote.ask("GET", "/auth/sso", {"Accept": "text/html"}, may_redirect=True)
        return answer.header("Location")
    answer = answers[on[0]]
    if 300 <= answer.status < 400:
        yield OLD
        return answer.header("Location")
    method, url = answer.json().get("method"), answer.json().get("url")
    if answer.status == 200 and method == "saml":
        yield ONLY_SAML
        return None
    if answer.status != 200 or method != "jwt":
        yield refusal("sso", answer)
        return None
    preferred = _ask(remote, "/auth/sso", on[0]).json().get("method")
    yield SAML_AS_WELL if preferred == "saml" else JWT
    return url if isinstance(url, str) else ""


def _ask(remote: Remote, path: str, kind: str) -> Answer:
    return remote.ask("GET", path, {"X-Metabase-Client": kind}, may_redirect=True)


def _is_disabled(answer: Answer) -> bool:
    row = answer.known()
    return row is not None and row.text.startswith("error-embedding-")
