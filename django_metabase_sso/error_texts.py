"""Metabase's error texts: what causes each, and what to do.

The one table for commands, the client and the documentation. The texts are Metabase's own, as its
server sends them; the causes were measured with the library that Metabase verifies tokens with,
or read in its documentation and issues.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["lookup"]


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
