"""Metabase's refusals: message, status and JSON, and the likely cause of each."""

from __future__ import annotations

SWITCHES = {
    "embedding-sdk-react": "error-embedding-sdk-disabled",
    "embedding-simple": "error-embedding-simple-disabled",
}


class Refused(Exception):
    """Metabase would refuse the request with this message and status.

    `text` is a key of `texts.GERMAN`, or a message that is not translated; `part` replaces `{}` in
    it. `kind` is the `status` in Metabase's JSON, or "". `is_about_tenants` is for refusals that
    the newest version sends as plain text.
    """

    def __init__(
        self,
        text: str,
        status: int,
        *,
        part: str = "",
        kind: str = "",
        is_about_tenants: bool = False,
    ) -> None:
        super().__init__(text.replace("{}", part))
        self.template = text
        self.part = part
        self.status = status
        self.kind = kind
        self.is_about_tenants = is_about_tenants

    @property
    def text(self) -> str:
        """The message in English."""
        return str(self)


class Invalid(Refused):
    """A value is not valid: the JSON has `errors` by field instead of a message."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(f"Invalid: {', '.join(errors)}", 400)
        self.errors = errors


CAUSES = {
    "Message seems corrupt or manipulated.": (
        "The signature is valid, but the payload is not JSON. The usual reason is NaN or Infinity "
        "in a claim, which Python's json module writes."
    ),
    "Message seems corrupt or manipulated": (
        "Django and Metabase have different secrets, or one of the two has white space around it, "
        "or the token was cut off or put in quotation marks on its way, or it was not signed with "
        "HS256."
    ),
    "Token is older than max-age (180)": (
        "The clocks of the two machines differ, or the token was cached or stored: Metabase "
        "accepts a token for 180 seconds after its `iat`."
    ),
    "Token is expired": (
        "`exp` has passed. A sign-in fails if the lifetime is shorter than the difference between "
        "the two clocks, because Metabase does not allow a leeway. For guest tokens, it allows 60 "
        "seconds."
    ),
    "Token is not yet valid": "`nbf` is still in the future for Metabase's clock. Do not send it.",
    "class java.lang.": "`exp`, `iat` and `nbf` must be numbers.",
    "JWT token missing email claim": (
        "The signature is valid, but the token does not have the claim that is set in Metabase as "
        "the e-mail attribute."
    ),
    "SSO has not been enabled and/or configured": (
        "JWT is switched off in Metabase, its secret or its Identity Provider URI is not set, or "
        "the plan does not include JWT SSO."
    ),
    "JWT authentication is not enabled": "JWT is switched off in Metabase.",
    "JWT-based authentication is a paid feature": "The plan does not include it, or has expired.",
    "Invalid redirect URL": (
        "`return_to` is on a different host than Metabase's site URL, or has characters that are "
        "not allowed in a URI: a space, |, {, }, a quotation mark (metabase/metabase#33028)."
    ),
    "Sorry, but you'll need a": (
        "User provisioning is off, and no active account has this e-mail address."
    ),
    "Embedding SDK for React is disabled": (
        "The SDK is switched off in Metabase. The user was signed in before this check."
    ),
    "Embedded Analytics JS is disabled": "Web components are switched off in Metabase.",
    "You need to turn on modular embedding": "Modular embedding is switched off in Metabase.",
    "POST not valid for JWT SSO requests": "Metabase before 2026 accepts a token only in a GET.",
    "Embedding is not enabled": "Guest embeds are off in Metabase, or this item is not published.",
    "The embedding secret key has not been set": "Metabase does not have an embedding secret key.",
    "You must specify a value for": (
        "The guest token does not have a value for a locked parameter, or the value is blank."
    ),
    "Unknown parameter": "The guest token names a parameter that this item does not have.",
    "You're not allowed to specify a value for": "This parameter is disabled on the item.",
    "Token is missing value for": (
        "The guest token does not have `resource` or `params`, or its id is a string."
    ),
    "Value of `@tenant` must be a string": "The tenant claim must be a string or an integer.",
    "Tenants and tenant users are disabled.": (
        "The token names a tenant, or the account belongs to one, but tenants are switched off."
    ),
    "Tenant ID mismatch with existing user": (
        "The account belongs to another tenant. Only an administrator can move it, not a token."
    ),
    "Tenant claim required for external user": (
        "The account belongs to a tenant, but the token does not name one."
    ),
    "Cannot add tenant claim to internal user": (
        "The account does not belong to a tenant. Only an administrator can move it, not a token."
    ),
    "Tenant is not active": "The tenant has been deactivated, and provisioning is off.",
    "This tenant name or slug is already taken": "The new slug is the name of another tenant.",
    "Cannot add non-tenant user to tenant-group": (
        "Tenant users may only be in tenant groups, and all others only in ordinary groups."
    ),
    "Invalid: slug": "The slug of a new tenant may only have the characters a-z, 0-9, - and _.",
}


def likely_cause(text: str) -> str:
    """Return the likely cause of an English error message of Metabase, or ""."""
    return next((cause for start, cause in CAUSES.items() if text.startswith(start)), "")
