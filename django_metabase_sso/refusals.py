"""Why somebody gets no token, and which setting to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django_metabase_sso.exceptions import AccessRefused, InvalidClaim

REFUSAL_CURES: Final[dict[str, str]] = {
    "not-authenticated": "The person signs in to this site first.",
    "invalid-credentials": "METABASE_SSO['AUTHENTICATE'] takes other credentials.",
    "nobody": "METABASE_SSO['AUTHENTICATE'] returns the person for this request.",
    "inactive": "Set is_active on the account.",
    "no-email": "Give the account an e-mail address (in the user model's EMAIL_FIELD).",
    "invalid-email": "Correct the account's e-mail address: plain ASCII, as browsers take it.",
    "impersonated": (
        'Write "ALLOW_IMPERSONATION": True in METABASE_SSO, if staff may do that. Where it'
        " is, nothing tells who acts: give issue_token() and the client the request."
    ),
    "shared-email": (
        "Give all accounts but one another address, deactivated ones too. With"
        " METABASE_SSO['REQUIRE_UNIQUE_EMAIL'] off they would be one person in Metabase."
    ),
    "policy": "METABASE_SSO['ACCESS_POLICY'] says no to this person: change it, or the account.",
    "no-tenant": (
        "Return the tenant's slug from METABASE_SSO['TENANT'], or claims.INTERNAL for staff."
    ),
    "token-too-large": (
        "Send fewer groups (METABASE_SSO['GROUP_MAPPING']) and shorter attributes"
        " ('USER_ATTRIBUTES'). A fetch has no such limit: embed with the SDK."
    ),
}


@dataclass(frozen=True)
class Refusal:
    """Why there is no token: `code` as in AccessRefused, `cure` says which setting to change."""

    code: str
    message: str
    cure: str


def refusal_of(error: AccessRefused | InvalidClaim) -> Refusal:
    """Return what an operator is told about an exception."""
    if isinstance(error, AccessRefused):
        return Refusal(error.code, error.message, cure_of(error.code))
    cure = "Correct what the callables of METABASE_SSO return for this person."
    return Refusal("invalid-claim", str(error), cure)


def cure_of(code: str) -> str:
    """Return what to change for the code of an AccessRefused."""
    return REFUSAL_CURES.get(code, "Look at the settings in METABASE_SSO.")
