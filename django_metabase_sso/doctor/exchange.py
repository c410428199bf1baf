"""What Metabase does with our tokens: first with ones that name nobody, then with a person's."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from django_metabase_sso import tokens
from django_metabase_sso.conf import conf
from django_metabase_sso.doctor.answers import Answer, refusal
from django_metabase_sso.doctor.findings import Finding, Problem, Step
from django_metabase_sso.doctor.network import SDK, Remote
from django_metabase_sso.exceptions import AccessRefused, InvalidClaim
from django_metabase_sso.identity import emails
from django_metabase_sso.tokens import LARGEST_ID, Token
from django_metabase_sso.troubleshooting import CORRUPT, MISSING_EMAIL, quoted, refusal_of

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

SESSION = re.compile(r"[!-~]+")  # what a header can hold


def compare_secrets(remote: Remote) -> Step[bool]:
    """Send a token without any claim but its times; learn whether its signature was good.

    Metabase can sign nobody in by it, and says either that the e-mail address is missing, once the
    signature was found good, or that the signature is wrong.
    """
    token = tokens.sign(tokens.with_times({}))
    answer = _post(remote, token)
    if answer.status in {404, 405}:
        # Metabase before July 2025 has no such path, and takes the token in the query alone.
        answer = remote.ask("GET", f"/auth/sso?jwt={token}", {"X-Metabase-Client": SDK})
    if answer.known() != MISSING_EMAIL:
        yield refusal("secret", answer)
        return False
    yield Finding("ok", "secret", "Django and Metabase have the same secret.")
    return True


def compare_embedding_secrets(remote: Remote) -> Step[None]:
    """Ask for a dashboard that is not there, with a guest token; nothing is shown to anybody."""
    key = conf.EMBEDDING_SECRET_KEY
    if key is None:
        return
    claims = {"resource": {"dashboard": LARGEST_ID}, "params": {}, "exp": int(time.time()) + 60}
    token = tokens.signed(claims, key, "EMBEDDING_SECRET_KEY")
    answer = remote.ask("GET", f"/api/embed/dashboard/{token}")
    if answer.known() or answer.status >= 500:
        found = refusal("embedding-secret", answer)
        if answer.known() == CORRUPT:
            cure = "Copy Admin > Embedding > Guest embeds > Embedding secret key into"
            cure += " METABASE_SSO['EMBEDDING_SECRET_KEY']. It is not the JWT signing key."
            found = replace(found, cure=cure)
        yield replace(found, title=f"Guest embeds: {found.title}")
    elif any("not enabled" in text for text in answer.texts()):
        title = "Guest embeds are switched off in Metabase."
        cause = "So the embedding secret key could not be compared."
        cure = "Switch them on under Admin > Embedding, or leave EMBEDDING_SECRET_KEY out."
        yield Finding("warning", "embedding-secret", title, cause, cure)
    else:
        title = "Django and Metabase have the same embedding secret key."
        yield Finding("ok", "embedding-secret", title)


def sign_in(remote: Remote, user: AbstractBaseUser) -> Step[None]:
    """Sign `user` in to Metabase, ask who it is, and end the session again."""
    answer = _post(remote, _token(user))
    session = answer.json().get("session_token")
    if not isinstance(session, str) or not SESSION.fullmatch(session):
        yield refusal("exchange", answer)
        return
    try:
        found = _whose(remote, session, user)
    finally:
        with suppress(Problem):
            remote.ask("DELETE", "/api/session", {"X-Metabase-Session": session})
    yield found


def _post(remote: Remote, token: Token) -> Answer:
    body = json.dumps({"jwt": token}).encode()
    headers = {"Content-Type": "application/json"}
    return remote.ask("POST", "/auth/sso/to_session", headers, body)


def _token(user: AbstractBaseUser) -> Token:
    try:
        return tokens.issue_token(user)
    except AccessRefused as error:
        title, refused = f"User {user.pk} gets no token ({error.code}).", refusal_of(error)
    except InvalidClaim as error:
        title, refused = f"User {user.pk} gets no token.", refusal_of(error)
    raise Problem(Finding("fault", "exchange", title, refused.message, refused.cure))


def _whose(remote: Remote, session: str, user: AbstractBaseUser) -> Finding:
    answer = remote.ask("GET", "/api/user/current", {"X-Metabase-Session": session})
    email = answer.json().get("email")
    if answer.status != 200 or not isinstance(email, str):
        title = f"Metabase gave a session and then answers {answer.status} to who it is of."
        cause = "Something in front of Metabase takes the X-Metabase-Session header away."
        return Finding("fault", "exchange", title, cause, "Let the proxies pass that header on.")
    if email.lower() != emails.canonical_email(user):
        title = f"Metabase signed in {quoted(email)} instead."
        cause = "Metabase reads the e-mail address from another claim than the one we send."
        cure = "Make METABASE_SSO['CLAIM_NAMES']['email'] the same as Metabase's."
        return Finding("fault", "exchange", title, cause, cure)
    title = f"User {user.pk} is signed in to Metabase as {quoted(email)}."
    return Finding("ok", "exchange", title)
