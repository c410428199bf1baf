"""Do Django and Metabase have the same secrets? Asked with tokens that name nobody."""

from __future__ import annotations

import time
from dataclasses import replace

from django_metabase_sso import tokens
from django_metabase_sso.conf import conf
from django_metabase_sso.doctor.findings import Finding, Step
from django_metabase_sso.doctor.remote import SDK, Answer, Remote, refusal
from django_metabase_sso.guest import LARGEST_ID

GOOD = "JWT token missing email claim"  # said after the signature was found good


def compare(remote: Remote) -> Step[bool]:
    """Send a token without any claim but its times; learn True when its signature was good.

    Metabase can sign nobody in by it, and says either that the e-mail address is missing or that
    the signature is wrong.
    """
    answer = _send(remote)
    if any(text.startswith(GOOD) for text in answer.texts()):
        found = Finding("ok", "secret", "Django and Metabase have the same secret.")
        return Step([found], learned=True)
    return Step([refusal("secret", answer)])


def compare_embedding(remote: Remote) -> Step[None]:
    """Ask for a dashboard that is not there, with a guest token; nothing is shown to anybody."""
    key = conf.EMBEDDING_SECRET_KEY
    if key is None:
        return Step([])
    claims = {"resource": {"dashboard": LARGEST_ID}, "params": {}, "exp": int(time.time()) + 60}
    token = tokens.signed(claims, key, "EMBEDDING_SECRET_KEY")
    answer = remote.get(f"/api/embed/dashboard/{token}")
    if answer.known() or answer.status >= 500:
        return Step([_embedding_fault(answer)])
    title = "Django and Metabase have the same embedding secret key."
    if any("not enabled" in text for text in answer.texts()):
        title = "Guest embeds are switched off in Metabase."
        cure = "Switch them on under Admin > Embedding, or leave EMBEDDING_SECRET_KEY out."
        cause = "So the embedding secret key could not be compared."
        return Step([Finding("warning", "embedding-secret", title, cause, cure)])
    return Step([Finding("ok", "embedding-secret", title)])


def _embedding_fault(answer: Answer) -> Finding:
    found = refusal("embedding-secret", answer)
    cure = found.cure
    if found.title.endswith("Message seems corrupt or manipulated"):
        cure = "Copy Admin > Embedding > Guest embeds > Embedding secret key into"
        cure += " METABASE_SSO['EMBEDDING_SECRET_KEY']. It is not the JWT signing key."
    return replace(found, title=f"Guest embeds: {found.title}", cure=cure)


def _send(remote: Remote) -> Answer:
    token = tokens.sign(tokens.with_times({}))
    answer = remote.post("/auth/sso/to_session", {"jwt": token})
    if answer.status not in {404, 405}:
        return answer
    # Metabase before July 2025 has no such path, and takes the token in the query alone.
    return remote.get(f"/auth/sso?jwt={token}", X_Metabase_Client=SDK)
