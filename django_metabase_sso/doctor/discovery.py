"""Is JWT sign-in on, and what does Metabase tell a front end that asks how to sign in?"""

from __future__ import annotations

from typing import Final

from django_metabase_sso.doctor.findings import Finding, Level, Problem, Step
from django_metabase_sso.doctor.remote import SDK, Answer, Remote, refusal

PREFERRING: Final = "/auth/sso?preferred_method=jwt"
EMBEDS: Final = {SDK: "the SDK for React", "embedding-simple": "web components (embed.js)"}
JWT_PAGE: Final = "Admin > Settings > Authentication > JWT"


def discover(remote: Remote, *, embeds: bool) -> Step[str]:
    """Ask as the embeds do, with and without preferring JWT; learn the Identity Provider URI.

    `embeds` says whether this project has pages that embed. Problem when JWT sign-in is off.
    """
    answers = {kind: _ask(remote, PREFERRING, kind) for kind in EMBEDS}
    found = _disabled(answers, embeds=embeds)
    on = {kind: answer for kind, answer in answers.items() if not _is_disabled(answer)}
    if not on:  # links and iframes go on working
        answer = remote.ask("GET", "/auth/sso", {"Accept": "text/html"}, may_redirect=True)
        return Step(found, answer.header("Location"))
    kind, answer = next(iter(on.items()))
    if 300 <= answer.status < 400:
        return Step([*found, _old()], answer.header("Location"))
    method, url = answer.json().get("method"), answer.json().get("url")
    if answer.status != 200 or method not in {"jwt", "saml"}:
        raise Problem(refusal("sso", answer))
    if method == "saml":
        raise Problem(_only_saml())
    found.append(_judged_method(_ask(remote, "/auth/sso", kind)))
    return Step(found, url if isinstance(url, str) else "")


def _ask(remote: Remote, path: str, kind: str) -> Answer:
    return remote.ask("GET", path, {"X-Metabase-Client": kind}, may_redirect=True)


def _is_disabled(answer: Answer) -> bool:
    row = answer.known()
    return row is not None and row.text.startswith("error-embedding-")


def _disabled(answers: dict[str, Answer], *, embeds: bool) -> list[Finding]:
    """Return a finding for each kind of embedding that is off: a fault when pages need one."""
    off = [kind for kind, answer in answers.items() if _is_disabled(answer)]
    level: Level = "fault" if embeds and len(off) == len(answers) else "warning"
    found = []
    for kind in off:
        told = refusal("embedding", answers[kind])
        cause = f"{told.cause} Pages with {EMBEDS[kind]} cannot sign in; links can."
        found.append(Finding(level, "embedding", told.title, cause, told.cure))
    return found


def _old() -> Finding:
    return Finding(
        "warning",
        "method",
        "Metabase redirects where front ends expect JSON.",
        "It is older than version 55, or something in front takes X-Metabase-Client away.",
        "Links and iframes work; for modular embedding, run Metabase 55 or newer.",
    )


def _only_saml() -> Finding:
    return Finding(
        "fault",
        "method",
        "Metabase answers `saml` even to a front end that prefers JWT.",
        "SAML is on in Metabase and JWT is not.",
        f"Switch JWT on as well: {JWT_PAGE}.",
    )


def _judged_method(answer: Answer) -> Finding:
    if answer.json().get("method") != "saml":
        return Finding("ok", "method", "JWT sign-in is on, and front ends are told to use it.")
    return Finding(
        "warning",
        "method",
        "JWT sign-in is on, and Metabase answers `saml` to a front end that does not ask for it.",
        "SAML is on as well, and wins.",
        'Set `preferredAuthMethod: "jwt"` in the front end, or switch SAML off in Metabase.',
    )
