"""Metabase's refusals: text, status, and what its JSON says beside them."""

from __future__ import annotations

SWITCHES = {
    "embedding-sdk-react": "error-embedding-sdk-disabled",
    "embedding-simple": "error-embedding-simple-disabled",
}


class Refused(Exception):
    """Metabase would answer with this text and this status.

    `text` is a key of `texts.GERMAN`, or always English; `{}` in it stands for `part`. `kind` is
    the `status` in Metabase's JSON, where there is one. `is_about_tenants` makes it plain text in
    the newest version.
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
        """The text in English."""
        return str(self)


class Invalid(Refused):
    """A value that may not be: the JSON says `errors`, by field, and has no message."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(f"Invalid: {', '.join(errors)}", 400)
        self.errors = errors


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
        "`exp` has passed. For a sign-in Metabase allows no leeway, so a lifetime that is shorter "
        "than the difference between the two clocks never works. Guests have 60 seconds more."
    ),
    "Token is not yet valid": "`nbf` is ahead of Metabase's clock. Leave `nbf` out.",
    "class java.lang.": "`exp`, `iat` and `nbf` must be numbers.",
    "JWT token missing email claim": (
        "The signature is right, but there is no e-mail address under the name that Metabase's "
        "e-mail attribute setting has."
    ),
    "SSO has not been enabled and/or configured": (
        "JWT is switched off in Metabase, its secret or its Identity Provider URI is not set, or "
        "the plan has no JWT SSO."
    ),
    "JWT authentication is not enabled": "JWT is switched off in Metabase.",
    "JWT-based authentication is a paid feature": "The plan has no JWT SSO, or the licence ended.",
    "Invalid redirect URL": (
        "`return_to` is on another host than Metabase's site URL, or has characters that a URI "
        "may not have: a space, |, {, }, a quotation mark (metabase/metabase#33028)."
    ),
    "Sorry, but you'll need a": (
        "User provisioning is off, and no active account has this e-mail address."
    ),
    "Embedding SDK for React is disabled": (
        "The SDK is switched off in Metabase. The sign-in was done before this was found."
    ),
    "Embedded Analytics JS is disabled": "Web components are switched off in Metabase.",
    "You need to turn on modular embedding": "Modular embedding is switched off in Metabase.",
    "POST not valid for JWT SSO requests": "Before 2026 Metabase takes a token in a GET only.",
    "Embedding is not enabled": "Guest embeds are off in Metabase, or this item is not published.",
    "The embedding secret key has not been set": "Metabase has no embedding secret key.",
    "You must specify a value for": (
        "The guest token's `params` do not name a locked parameter, or have a blank value for it."
    ),
    "Unknown parameter": "The guest token names a parameter that this item does not have.",
    "You're not allowed to specify a value for": "This parameter is disabled on the item.",
    "Token is missing value for": (
        "The guest token has no `resource` or no `params`, or its id is a string."
    ),
    "Value of `@tenant` must be a string": "The tenant claim must be a string or an integer.",
    "Tenants and tenant users are disabled.": (
        "The token names a tenant, or the account belongs to one, and tenants are switched off."
    ),
    "Tenant ID mismatch with existing user": (
        "The account belongs to another tenant. No token can move it; an administrator can."
    ),
    "Tenant claim required for external user": (
        "The account belongs to a tenant, and the token names none."
    ),
    "Cannot add tenant claim to internal user": (
        "The account belongs to no tenant. No token can move it; an administrator can."
    ),
    "Tenant is not active": "The tenant was deactivated in Metabase, and provisioning is off.",
    "This tenant name or slug is already taken": "The new slug is the name of another tenant.",
    "Cannot add non-tenant user to tenant-group": (
        "A tenant user may be in tenant groups only, and others in the other groups only."
    ),
    "Invalid: slug": "A new tenant's slug has the letters -_a-z0-9 only.",
}


def likely_cause(text: str) -> str:
    """Return what most likely led to an error text of Metabase's, which is in English."""
    return next((cause for start, cause in CAUSES.items() if text.startswith(start)), "")
