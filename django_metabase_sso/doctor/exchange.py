"""Steps that sign a user in to Metabase, as a server does and as embeds do."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from django_metabase_sso import tokens
from django_metabase_sso.conf.addresses import (
    CLIENT_HEADER,
    CURRENT_USER,
    SESSION,
    SESSION_HEADER,
    SIGN_IN,
)
from django_metabase_sso.doctor.metabase import (
    EMBEDS,
    PREFERRING,
    ask_as,
    is_off,
    post,
    report_off,
)
from django_metabase_sso.doctor.remote import Answer, Remote, refuse
from django_metabase_sso.doctor.report import Problem, Report
from django_metabase_sso.exceptions import AccessRefused, InvalidClaim
from django_metabase_sso.identity import emails
from django_metabase_sso.tokens import Token
from django_metabase_sso.troubleshooting import quoted, refusal_of

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

HEADER_TEXT: Final = re.compile(r"[!-~]+")  # characters that a header can contain
HASH_HEADER: Final = "X-Metabase-SDK-JWT-Hash"  # Metabase 55 and 56 need it with a token


def sign_in(report: Report, remote: Remote, user: AbstractBaseUser, *, embeds: bool) -> None:
    """Sign `user` in to Metabase, ask for the account, and end the session.

    Then send the same token as embeds do. `embeds` is whether this project has pages that embed.
    """
    token = _token(user)
    answer = post(remote, token)
    session = answer.json().get("session_token")
    if not isinstance(session, str) or not HEADER_TEXT.fullmatch(session):
        refuse(report, "exchange", answer)
        return
    try:
        _whose(report, remote, session, user)
    finally:
        _end(remote, session)
    _sign_in_as_embeds(report, remote, token, embeds=embeds)


def _end(remote: Remote, session: str) -> None:
    with suppress(Problem):
        remote.ask("DELETE", SESSION, {SESSION_HEADER: session})


def _sign_in_as_embeds(report: Report, remote: Remote, token: Token, *, embeds: bool) -> None:
    """Send a token as each kind of embed does, because some versions refuse a kind only then.

    Kinds that Metabase refuses without a token have been reported already.
    """
    found = {kind: ask_as(remote, PREFERRING, kind) for kind in EMBEDS}
    answers = {
        kind: _bring(remote, token, kind, answer)
        for kind, answer in found.items()
        if answer.json().get("method") == "jwt"
    }
    for answer in answers.values():
        session = answer.json().get("id")
        if isinstance(session, str) and HEADER_TEXT.fullmatch(session):
            _end(remote, session)
    off = [kind for kind, answer in answers.items() if is_off(answer)]
    if off:
        is_on = any(kind not in off for kind in answers)
        report_off(report, remote, off, is_warning=is_on or not embeds)


def _bring(remote: Remote, token: Token, kind: str, found: Answer) -> Answer:
    """Return the answer to a token in a POST, or in the query for Metabase before spring 2026."""
    headers = {CLIENT_HEADER: kind}
    sent = found.json().get("hash")
    if isinstance(sent, str) and HEADER_TEXT.fullmatch(sent):
        headers[HASH_HEADER] = sent
    answer = remote.ask("POST", SIGN_IN, headers, token, may_redirect=True)
    if answer.status != 501:
        return answer
    return remote.ask("GET", f"{SIGN_IN}?jwt={token}", headers, may_redirect=True)


def _token(user: AbstractBaseUser) -> Token:
    try:
        return tokens.issue_token(user)
    except (AccessRefused, InvalidClaim) as error:
        refused = refusal_of(error)
    title = f"User {user.pk} does not get a token ({refused.code})."
    raise Problem("exchange", title, cause=refused.message, cure=refused.cure)


def _whose(report: Report, remote: Remote, session: str, user: AbstractBaseUser) -> None:
    answer = remote.ask("GET", CURRENT_USER, {SESSION_HEADER: session})
    email = answer.json().get("email")
    if answer.status != 200 or not isinstance(email, str):
        title = f"Metabase started a session, but answers {answer.status} to a request with it."
        cause = f"A proxy in front of Metabase removes the header {SESSION_HEADER}."
        cure = "Configure the proxies to forward that header."
        report.fault("exchange", title, cause=cause, cure=cure)
    elif email.lower() != emails.canonical_email(user):
        title = f"Metabase signed in {quoted(email)} instead."
        cause = "Metabase reads the e-mail address from another claim than this site sends."
        cure = "Give METABASE_SSO['CLAIM_NAMES']['email'] the same value as Metabase's setting."
        report.fault("exchange", title, cause=cause, cure=cure)
    else:
        title = f"User {user.pk} was signed in to Metabase as {quoted(email)}."
        report.ok("exchange", title)
