"""Do Django and Metabase have the same secret? Asked with a token that names nobody."""

from __future__ import annotations

from django_metabase_sso import tokens
from django_metabase_sso.doctor.findings import Finding, Step
from django_metabase_sso.doctor.remote import SDK, Answer, Remote, refusal

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


def _send(remote: Remote) -> Answer:
    token = tokens.sign(tokens.with_times({}))
    answer = remote.post("/auth/sso/to_session", {"jwt": token})
    if answer.status not in {404, 405}:
        return answer
    # Metabase before July 2025 has no such path, and takes the token in the query alone.
    return remote.get(f"/auth/sso?jwt={token}", X_Metabase_Client=SDK)
