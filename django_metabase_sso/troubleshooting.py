"""Cause and cure of Metabase's error texts and of our own refusals.

The one table for commands, the client and the documentation. The texts are Metabase's own, as its
server sends them; the causes were measured with the library that Metabase verifies tokens with,
or read in its documentation and issues.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from django_metabase_sso.exceptions import AccessRefused, InvalidClaim

__all__ = ["lookup"]

TOKEN: Final = re.compile(r"eyJ[\w.-]*")  # how the JSON of a token's header begins in base64
LONGEST_QUOTE: Final = 200  # characters of what somebody else wrote


class ErrorText(NamedTuple):
    """`text` is how Metabase's message begins."""

    text: str
    cause: str
    cure: str


CORRUPT: Final = ErrorText(
    "Message seems corrupt or manipulated",
    "Metabase has another secret, or one of the two has white space around it, or the token "
    "was cut or quoted on its way.",
    "Copy the JWT signing key from Admin > Settings > Authentication > JWT into "
    "METABASE_SSO['JWT_SHARED_SECRET'] again, character by character the same.",
)
MISSING_EMAIL: Final = ErrorText(
    "JWT token missing email claim",
    "The signature was good, but there is no e-mail address under the name that Metabase "
    "looks for.",
    "Make METABASE_SSO['CLAIM_NAMES']['email'] the same as Metabase's e-mail attribute.",
)
INVALID_REDIRECT: Final = ErrorText(
    "Invalid redirect URL",
    "`return_to` is on another host than Metabase's site URL, or has characters that a URI "
    "may not have.",
    "Make Metabase's site URL (Admin > Settings > General) the same as "
    "METABASE_SSO['INSTANCE_URL'].",
)

# A text that begins like another one stands before it.
ERROR_TEXTS: Final = (
    ErrorText(
        "Message seems corrupt or manipulated.",
        "The signature was good, but the payload is not JSON: NaN or Infinity in a claim.",
        "Leave non-finite numbers out of what signs the token.",
    ),
    CORRUPT,
    ErrorText(
        "Token is older than max-age (180)",
        "The clocks of Django and Metabase differ, or the token was cached or kept: Metabase "
        "takes a token for 180 seconds.",
        "Set both clocks by NTP, and let no proxy, CDN or service worker cache our answers.",
    ),
    ErrorText(
        "Token is expired",
        "TOKEN_LIFETIME is shorter than the difference between the clocks of Django and Metabase.",
        "Set both clocks by NTP, or raise METABASE_SSO['TOKEN_LIFETIME'].",
    ),
    ErrorText(
        "Token is not yet valid",
        "The token has an `nbf` ahead of Metabase's clock.",
        "Send no `nbf`: django-metabase-sso never does, so something else signed this token.",
    ),
    MISSING_EMAIL,
    ErrorText(
        "SSO has not been enabled and/or configured",
        "JWT is switched off in Metabase, or the plan has no JWT single sign-on.",
        "Switch it on under Admin > Settings > Authentication > JWT (a Pro or Enterprise plan).",
    ),
    INVALID_REDIRECT,
    ErrorText(
        "Sorry, but you'll need a",
        "User provisioning is off in Metabase, and no active account has this e-mail address.",
        "Switch user provisioning on in Metabase, or make the account there.",
    ),
    ErrorText(
        "error-embedding-sdk-disabled",
        "The modular embedding SDK is switched off in Metabase.",
        "Switch it on under Admin > Embedding.",
    ),
    ErrorText(
        "error-embedding-simple-disabled",
        "Modular embedding (embed.js) is switched off in Metabase.",
        "Switch it on under Admin > Embedding.",
    ),
    ErrorText(
        "Value of `@tenant` must be a string",
        "The tenant claim is neither a string nor an integer.",
        "Return the tenant's slug from METABASE_SSO['TENANT'].",
    ),
    ErrorText(
        "Tenant ID mismatch with existing user",
        "The account belongs to another tenant, and a person can never change tenant.",
        "Return the old slug from METABASE_SSO['TENANT'], or use another e-mail address.",
    ),
    ErrorText(
        "Tenant claim required for external user",
        "The account belongs to a tenant, and the token names none.",
        "Return the tenant's slug from METABASE_SSO['TENANT'] for this person.",
    ),
    ErrorText(
        "Cannot add tenant claim to internal user",
        "The account was made without a tenant, and stays internal for ever.",
        "Return claims.INTERNAL from METABASE_SSO['TENANT'] for this person, or use another "
        "e-mail address.",
    ),
    ErrorText(
        "Tenant is not active",
        "The tenant was deactivated in Metabase.",
        "Activate it under Admin > People > Tenants.",
    ),
)


def lookup(text: str) -> ErrorText | None:
    """Return the row for a message of Metabase's, or None for one that is not known."""
    return next((row for row in ERROR_TEXTS if text.startswith(row.text)), None)


REFUSAL_CURES: Final[dict[str, str]] = {
    "not-authenticated": "The person signs in to this site first.",
    "invalid-credentials": "METABASE_SSO['AUTHENTICATE'] takes other credentials.",
    "nobody": "METABASE_SSO['AUTHENTICATE'] returns the person for this request.",
    "inactive": "Set is_active on the account.",
    "no-email": "Give the account an e-mail address (in the user model's EMAIL_FIELD).",
    "invalid-email": (
        "Correct the account's e-mail address: plain ASCII, and a domain that has a dot."
    ),
    "impersonated": (
        'Write "ALLOW_IMPERSONATION": True in METABASE_SSO, if staff may do that. Where it'
        " is, nothing tells who acts: give issue_token() and the client the request."
    ),
    "unsaved-email": (
        "Save the account before it asks: its e-mail address is another one in the database."
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
        return Refusal(error.code, quoted(error.message, None), cure_of(error.code))
    cure = "Correct what the callables of METABASE_SSO return for this person."
    return Refusal("invalid-claim", quoted(error, None), cure)


def cure_of(code: str) -> str:
    """Return what to change for the code of an AccessRefused."""
    return REFUSAL_CURES.get(code, "Look at the settings in METABASE_SSO.")


def quoted(text: object, longest: int | None = LONGEST_QUOTE) -> str:
    """Return what somebody else wrote, fit for a log and a terminal: one line, without a token.

    What is not printable (line ends, ESC, U+2028, marks that turn the direction of writing) is
    written as Python writes it in a string. `longest` is in characters; None cuts nothing off.
    """
    return hide_tokens("".join(map(_printable, str(text))))[:longest]


def hide_tokens(text: str) -> str:
    """Return `text` with `[hidden]` in place of everything that looks like a JWT."""
    return TOKEN.sub("[hidden]", text)


def _printable(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()
