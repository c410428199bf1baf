"""Which setting to change when somebody gets no token, for each code of a refusal."""

from __future__ import annotations

from typing import Final

REFUSAL_CURES: Final[dict[str, str]] = {
    "not-authenticated": "The person signs in to this site first.",
    "invalid-credentials": "METABASE_SSO['AUTHENTICATE'] takes other credentials.",
    "nobody": "METABASE_SSO['AUTHENTICATE'] returns the person for this request.",
    "inactive": "Set is_active on the account.",
    "no-email": "Give the account an e-mail address (in the user model's EMAIL_FIELD).",
    "invalid-email": "Correct the account's e-mail address: plain ASCII, as browsers take it.",
    "impersonated": 'Write "ALLOW_IMPERSONATION": True in METABASE_SSO, if staff may do that.',
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


def cure_of(code: str) -> str:
    """Return what to change for the code of an AccessRefused."""
    return REFUSAL_CURES.get(code, "Look at the settings in METABASE_SSO.")
