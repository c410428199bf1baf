"""Metabase's error texts, and what usually causes them."""

from __future__ import annotations


class Refused(Exception):
    """Metabase would answer with this text and this status; `kind` is in its JSON."""

    def __init__(self, text: str, status: int, kind: str = "error") -> None:
        super().__init__(text)
        self.text = text
        self.status = status
        self.kind = kind


CAUSES = {
    "Message seems corrupt or manipulated.": (
        "The signature is right, but the payload is not JSON: NaN or Infinity in a claim, which "
        "Python's json module writes, is the usual reason."
    ),
    "Message seems corrupt or manipulated": (
        "The two sides have different secrets, or one has white space around it, or the token "
        "was cut or quoted on its way, or it was not signed with HS256."
    ),
    "Token is older than max-age (180)": (
        "The clocks of the two machines differ, or the token was cached or kept: Metabase takes "
        "a token for 180 seconds after its `iat`."
    ),
    "Token is expired": (
        "`exp` has passed. Metabase allows no leeway, so a lifetime that is shorter than the "
        "difference between the two clocks never works."
    ),
    "Token is not yet valid": "`nbf` is ahead of Metabase's clock. Leave `nbf` out.",
    "java.lang.ClassCastException": (
        "A claim has another type than Metabase counts with: `exp`, `iat` and `nbf` must be "
        "numbers, and group names strings."
    ),
    "JWT token missing email claim": (
        "The signature is right, but there is no e-mail address under the name that Metabase's "
        "e-mail attribute setting has."
    ),
    "SSO has not been enabled and/or configured": (
        "JWT is switched off in Metabase, or the plan has no JWT SSO."
    ),
    "Invalid redirect URL": (
        "`return_to` is on another host than Metabase's site URL, or has characters that a URI "
        "may not have: a space, |, {, }, a quotation mark (metabase/metabase#33028)."
    ),
    "Sorry, but you'll need a": (
        "User provisioning is off, and no active account has this e-mail address."
    ),
    "error-embedding-": "This kind of embedding is switched off in Metabase.",
    "Embedding is not enabled": "Guest embeds are off in Metabase, or this item is not published.",
    "You must specify a value for": "The guest token's `params` do not name a locked parameter.",
    "Token is missing value for": (
        "The guest token has no `resource` or no `params`, or its id is a text."
    ),
    "Value of `@tenant` must be a string": "The tenant claim must be a string or an integer.",
    "Tenant ID mismatch with existing user": (
        "The account belongs to another tenant. A person can never change tenant."
    ),
    "Tenant claim required for external user": (
        "The account belongs to a tenant, and the token names none."
    ),
    "Cannot add tenant claim to internal user": (
        "The account belongs to no tenant, and never can."
    ),
    "Tenant is not active": "The tenant was deactivated in Metabase.",
}


def likely_cause(text: str) -> str:
    """Return what most likely led to an error text of Metabase's."""
    return next((cause for start, cause in CAUSES.items() if text.startswith(start)), "")
