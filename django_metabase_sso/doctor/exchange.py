"""The whole exchange, for one person: our token, Metabase's session, and whose it is."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from django_metabase_sso import emails, tokens
from django_metabase_sso.doctor.findings import Finding, Problem, Step
from django_metabase_sso.doctor.remote import Remote, quoted, refusal
from django_metabase_sso.exceptions import AccessRefused, InvalidClaim
from django_metabase_sso.redacted import Token
from django_metabase_sso.refusals import refusal_of

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def sign_in(remote: Remote, user: AbstractBaseUser) -> Step[None]:
    """Sign `user` in to Metabase, ask who it is, and end the session again."""
    answer = remote.post("/auth/sso/to_session", {"jwt": _token(user)})
    session = answer.json().get("session_token")
    if not isinstance(session, str):
        return Step([refusal("exchange", answer)])
    try:
        return Step([_whose(remote, session, user)])
    finally:
        with suppress(Problem):
            remote.ask("DELETE", "/api/session", {"X-Metabase-Session": session})


def _token(user: AbstractBaseUser) -> Token:
    try:
        return tokens.issue_token(user)
    except AccessRefused as error:
        title, refused = f"User {user.pk} gets no token ({error.code}).", refusal_of(error)
    except InvalidClaim as error:
        title, refused = f"User {user.pk} gets no token.", refusal_of(error)
    raise Problem(Finding("fault", "exchange", title, refused.message, refused.cure))


def _whose(remote: Remote, session: str, user: AbstractBaseUser) -> Finding:
    answer = remote.get("/api/user/current", X_Metabase_Session=session)
    email = answer.json().get("email")
    if answer.status != 200 or not isinstance(email, str):
        return Finding(
            "fault",
            "exchange",
            f"Metabase gave a session and then answers {answer.status} to who it is of.",
            "Something in front of Metabase takes the X-Metabase-Session header away.",
            "Let the proxies pass that header on.",
        )
    if email.lower() != emails.canonical_email(user):
        title = f"Metabase signed in {quoted(email)} instead."
        cause = "Metabase reads the e-mail address from another claim than the one we send."
        cure = "Make METABASE_SSO['CLAIM_NAMES']['email'] the same as Metabase's."
        return Finding("fault", "exchange", title, cause, cure)
    return Finding(
        "ok", "exchange", f"User {user.pk} is signed in to Metabase as {quoted(email)}."
    )
