"""Explains Metabase's error messages and this package's refusals, and says what to do.

The management commands, the client and the documentation all use these tables. The messages are
Metabase's own, as its server sends them. The causes were measured with the library that Metabase
uses to verify tokens, or come from its documentation and issues.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from django_metabase_sso.exceptions import AccessRefused, InvalidClaim

__all__ = ["lookup"]

TOKEN: Final = re.compile(r"eyJ[\w.-]*")  # every token begins like this: '{"' in base64
LONGEST_QUOTE: Final = 200  # characters that are kept of a message of another program


Where = Literal["sign-in", "guest embed", "Agent API"]
JWT_SETTINGS: Final = (
    "Admin > Settings > Authentication > JWT (version 65: Embedding hub > Authentication)"
)
EMBEDDING_SETTINGS: Final = "Admin > Embedding (version 65: Embedding hub > Security)"
CLOCKS: Final = "Synchronize the clocks of both machines by NTP"


class ErrorText(NamedTuple):
    """A message of Metabase's, with its cause and what to do.

    `text` is the beginning of the message, and `others` are the beginnings that other versions of
    Metabase use. `code` is the `status` in the JSON of the response, or "" if it has none.
    `status` is the HTTP status, or None for any.
    """

    text: str
    status: int | None
    cause: str
    cure: str
    code: str = ""
    others: tuple[str, ...] = ()


CORRUPT: Final = ErrorText(
    "Message seems corrupt or manipulated",
    401,
    "Metabase and Django have different secrets, or one of the two has white space around it, or "
    "the token was cut off or put in quotation marks on its way.",
    f"Copy the JWT signing key from {JWT_SETTINGS} into METABASE_SSO['JWT_SHARED_SECRET'] again. "
    "Every character must be the same.",
)
TOO_OLD: Final = ErrorText(
    "Token is older than max-age (180)",
    401,
    "The clocks of Django and Metabase differ, or the token was cached or stored: Metabase "
    "accepts a token for 180 seconds.",
    f"{CLOCKS}. Make sure that no proxy, CDN or service worker caches the responses of "
    "/sso/metabase.",
)
EXPIRED: Final = ErrorText(
    "Token is expired",
    401,
    "TOKEN_LIFETIME is shorter than the difference between the clocks of Django and Metabase, or "
    "the token was stored for longer than that.",
    f"{CLOCKS}. The default TOKEN_LIFETIME of 10 minutes is long enough for small differences.",
)
NOT_YET_VALID: Final = ErrorText(
    "Token is not yet valid",
    401,
    "The token has an `nbf` claim with a time that is still in the future for Metabase's clock.",
    "Do not send `nbf`. django-metabase-sso never does, so another program signed this token.",
)
MISSING_EMAIL: Final = ErrorText(
    "JWT token missing email claim",
    401,
    "The signature is valid, but the token does not have the claim in which Metabase expects the "
    "e-mail address.",
    "Give METABASE_SSO['CLAIM_NAMES']['email'] the same value as Metabase's e-mail attribute in "
    f"{JWT_SETTINGS}.",
)
SSO_DISABLED: Final = ErrorText(
    "SSO has not been enabled and/or configured",
    400,
    "JWT sign-in is switched off in Metabase, or its secret or Identity Provider URI is not set "
    "there, or the plan does not include it.",
    f"Set the secret and the Identity Provider URI under {JWT_SETTINGS}, and switch it on. This "
    "needs a Pro or Enterprise plan.",
    "error-sso-disabled",
)
PAID: Final = ErrorText(
    "JWT-based authentication is a paid feature not currently available to your instance.",
    402,
    "The plan does not include JWT sign-in, or the license token has expired, or Metabase cannot "
    "check it.",
    "Check Admin > Settings > License, and make sure that Metabase can reach "
    "token-check.metabase.com.",
    "error-premium-feature-not-available",
)
INVALID_REDIRECT: Final = ErrorText(
    "Invalid redirect URL",
    400,
    "`return_to` is on a different host than Metabase's site URL, or has characters that are not "
    "allowed in a URI.",
    "Set Metabase's site URL (Admin > Settings > General) to the address in "
    "METABASE_SSO['INSTANCE_URL'].",
)
TENANTS_OFF: Final = ErrorText(
    "Tenants and tenant users are disabled.",
    403,
    "The token names a tenant, or the account belongs to one, but tenants are switched off in "
    "Metabase. Metabase 57 and older ignore the tenant of a token instead.",
    "Switch tenants on under Admin > People > Tenants, or remove METABASE_SSO['TENANT'].",
)
INVALID_SLUG: Final = ErrorText(
    '{"errors"',
    400,
    "The slug of a new tenant has characters other than a-z, 0-9, - and _. Metabase does not send "
    "a message in this case.",
    "Return slugs that only have a-z, 0-9, - and _ from METABASE_SSO['TENANT'].",
)
HIDDEN: Final = ErrorText(
    "Something went wrong",
    None,
    "Metabase hides its error messages, because MB_HIDE_STACKTRACES is set.",
    "Look for the message in Metabase's log (Admin > Tools > Logs).",
)
GUEST_CORRUPT: Final = ErrorText(
    "Message seems corrupt or manipulated",
    400,
    "Metabase and Django have different embedding secret keys, or the token was cut off on its "
    "way.",
    f"Copy the embedding secret key from {EMBEDDING_SETTINGS} into "
    "METABASE_SSO['EMBEDDING_SECRET_KEY']. It is not the JWT signing key.",
)
GUEST_EXPIRED: Final = ErrorText(
    "Token is expired",
    400,
    "The page was open for longer than GUEST_TOKEN_LIFETIME, or the clocks of Django and Metabase "
    "differ by more than 60 seconds.",
    "Reload the page, or set METABASE_SSO['GUEST_PARAMS'], so that pages fetch new tokens. "
    f"{CLOCKS}.",
)

# The messages, by the requests that get them. lookup() returns the first row that fits. If one
# string begins with another, the longer one comes first.
SIGN_IN: Final = (
    ErrorText(
        "Message seems corrupt or manipulated.",
        401,
        "The signature is valid, but the payload is not JSON: a claim is NaN or Infinity.",
        "Do not send NaN or Infinity. django-metabase-sso never does, so another program signed "
        "this token.",
    ),
    CORRUPT,
    TOO_OLD,
    EXPIRED,
    NOT_YET_VALID,
    MISSING_EMAIL,
    SSO_DISABLED,
    ErrorText(
        "JWT authentication is not enabled",
        400,
        SSO_DISABLED.cause,
        SSO_DISABLED.cure,
    ),
    PAID,
    INVALID_REDIRECT,
    ErrorText(
        "Sorry, but you'll need a",
        401,
        "User provisioning is off in Metabase, and no active account has this e-mail address.",
        f"Switch user provisioning on under {JWT_SETTINGS}, or create the account in Metabase.",
    ),
    ErrorText(
        "Embedding SDK for React is disabled",
        402,
        "The SDK is switched off in Metabase. Metabase may already have signed the user in.",
        f"Switch it on under {EMBEDDING_SETTINGS}.",
        "error-embedding-sdk-disabled",
    ),
    ErrorText(
        "You need to turn on modular embedding",
        402,
        "Web components (embed.js) are switched off in Metabase. Metabase may already have signed "
        "the user in.",
        f"Switch modular embedding on under {EMBEDDING_SETTINGS}.",
        "error-embedding-simple-disabled",
        ("Embedded Analytics JS is disabled",),
    ),
    ErrorText(
        "Value of `@tenant` must be a string",
        401,
        "The tenant claim is neither a string nor an integer.",
        "Return the tenant's slug from METABASE_SSO['TENANT'].",
    ),
    TENANTS_OFF,
    ErrorText(
        "Tenant ID mismatch with existing user",
        403,
        "The account belongs to another tenant, and a token cannot move it.",
        "Return the account's tenant from METABASE_SSO['TENANT'], or let an administrator move "
        "the account in Metabase.",
    ),
    ErrorText(
        "Tenant claim required for external user",
        403,
        "The account belongs to a tenant, and the token does not name one.",
        "Return the tenant's slug from METABASE_SSO['TENANT'] for this user.",
    ),
    ErrorText(
        "Cannot add tenant claim to internal user",
        403,
        "The account was created without a tenant, and a token cannot move it.",
        "Return claims.INTERNAL from METABASE_SSO['TENANT'] for this user, or let an "
        "administrator move the account to the tenant in Metabase.",
    ),
    ErrorText(
        "Tenant is not active",
        403,
        "The tenant has been deactivated, and user provisioning is off. With provisioning on, a "
        "token would reactivate the tenant.",
        "Activate the tenant under Admin > People > Tenants.",
    ),
    ErrorText(
        "Tenant info mismatch",
        403,
        "The token and the account have different tenants, or only one of them has a tenant. "
        "Versions of Metabase from before November 2025 send this message in all these cases.",
        "Return the account's tenant from METABASE_SSO['TENANT'], claims.INTERNAL for an account "
        "without a tenant, or let an administrator move the account.",
    ),
    INVALID_SLUG,
    ErrorText(
        "This tenant name or slug is already taken.",
        400,
        "No tenant has the slug in the token, but it is the name of a tenant.",
        "Return the slug of the tenant, not its name, from METABASE_SSO['TENANT'].",
    ),
    ErrorText(
        "Cannot add non-tenant user to tenant-group or vice versa",
        400,
        "The token puts a user of a tenant into an ordinary group, or another user into a tenant "
        "group.",
        "Return only tenant groups from METABASE_SSO['GROUP_MAPPING'] for users with a tenant, "
        "and only ordinary groups for all others.",
    ),
    ErrorText(
        "POST not valid for JWT SSO requests",
        501,
        "This Metabase is older than spring 2026 and accepts a token only with GET.",
        "Upgrade Metabase, send GET /auth/sso?jwt=..., or send the POST to /auth/sso/to_session.",
    ),
    ErrorText(
        "Adding another user would exceed the maximum number of users",
        500,
        "The license does not allow another account.",
        "Deactivate accounts under Admin > People, or extend the license.",
    ),
    ErrorText(
        "class java.lang.String cannot be cast to class java.lang.Number",
        401,
        "A claim has the wrong type: `exp`, `iat` or `nbf` is not a number.",
        "Send whole numbers. django-metabase-sso always does, so another program signed this "
        "token.",
        others=("java.lang.ClassCastException",),
    ),
    ErrorText(
        "An unexpected error occurred during authentication",
        401,
        "Metabase did not expect the type or value of a claim.",
        "Look for the error in Metabase's log (Admin > Tools > Logs), and compare the claims with "
        "those of `manage.py metabase_sso explain`.",
        others=("JWT authentication failed",),
    ),
    HIDDEN,
)
GUEST_EMBED: Final = (
    GUEST_CORRUPT,
    GUEST_EXPIRED,
    ErrorText(
        "Embedding is not enabled for this object.",
        400,
        "The dashboard or question is not published for guest embeds.",
        "Publish it in Metabase: Share > Embed on the item.",
    ),
    ErrorText(
        "Embedding is not enabled",
        400,
        "Guest and static embeds are switched off in Metabase.",
        f"Switch them on under {EMBEDDING_SETTINGS}.",
    ),
    ErrorText(
        "The embedding secret key has not been set.",
        400,
        "Metabase does not have an embedding secret key.",
        f"Switch guest embeds on under {EMBEDDING_SETTINGS}. Metabase then creates a key: copy it "
        "into METABASE_SSO['EMBEDDING_SECRET_KEY'].",
    ),
    ErrorText(
        "Token is missing value for keypath",
        400,
        "The token has no `resource` or `params`.",
        "Let this package sign guest tokens: `tokens.guest_token` writes both.",
    ),
    ErrorText(
        "You must specify a value for",
        400,
        "The token does not have a value for a locked parameter, or the value is blank.",
        "Give every locked parameter of the item a value, in `params=` of the tag or in what "
        "METABASE_SSO['GUEST_PARAMS'] returns.",
    ),
    ErrorText(
        "Unknown parameter",
        400,
        "The token names a parameter that the item does not have.",
        "Use the names in the item's settings for guest embeds in Metabase.",
    ),
    ErrorText(
        "You're not allowed to specify a value for",
        400,
        "The token names a parameter that is disabled on the item.",
        "Set the parameter to Locked in the item's settings for guest embeds in Metabase.",
    ),
)
AGENT_API: Final = (
    ErrorText(
        "missing_authorization",
        401,
        "The request does not have an Authorization header.",
        "Send `Authorization: Bearer` followed by a token, as this package's client does.",
    ),
    ErrorText(
        "invalid_authorization_format",
        401,
        "The Authorization header does not begin with Bearer.",
        "Send `Authorization: Bearer` followed by a token, as this package's client does.",
    ),
    ErrorText("jwt_not_configured", 401, SSO_DISABLED.cause, SSO_DISABLED.cure),
    ErrorText(
        "invalid_jwt",
        401,
        "The token is not valid, or the user does not have an active account: the Agent API "
        "neither creates nor reactivates accounts.",
        "Let the user sign in to Metabase once. If that fails, `manage.py metabase_sso doctor` "
        "says why.",
    ),
)
ERROR_TEXTS: Final[dict[Where, tuple[ErrorText, ...]]] = {
    "sign-in": SIGN_IN,
    "guest embed": GUEST_EMBED,
    "Agent API": AGENT_API,
}

# What the status of a response to a token means if its message is hidden or translated.
STATUSES: Final = (
    ErrorText(
        "",
        400,
        "Metabase uses this status to refuse the slug of a new tenant, or a group that this kind "
        "of account may not be in.",
        "Check what METABASE_SSO['TENANT'] and 'GROUP_MAPPING' return for this user with "
        "`manage.py metabase_sso explain`.",
    ),
    ErrorText(
        "",
        401,
        "Metabase uses this status to refuse a token, or a user who does not have an account "
        "while user provisioning is off.",
        f"Check user provisioning and the names of the claims under {JWT_SETTINGS}, and look for "
        "the message in Metabase's log (Admin > Tools > Logs).",
    ),
    ErrorText("", 402, PAID.cause, PAID.cure),
    ErrorText(
        "",
        403,
        "Metabase uses this status to refuse a tenant: tenants are switched off, the tenant is "
        "not active, or the account belongs to another one.",
        "Compare Admin > People > Tenants with what METABASE_SSO['TENANT'] returns for this user.",
    ),
)


def lookup(text: str, where: Where | None = None) -> ErrorText | None:
    """Return the row for a message of Metabase's, or None if the message is not known.

    `text` is the message or the whole body of a response, in JSON or not. `where` limits the
    search to one kind of request, because some messages of guest embeds and sign-ins are the same.
    """
    tables = ERROR_TEXTS.values() if where is None else (ERROR_TEXTS[where], (HIDDEN,))
    rows = [row for table in tables for row in table]
    found = (row for message in _messages(text) for row in rows if _is_of(row, message))
    return next(found, None)


def by_status(status: int) -> ErrorText | None:
    """Return what the HTTP status of a sign-in means, if its message does not say, or None."""
    return next((row for row in STATUSES if row.status == status), None)


def _messages(text: str) -> list[str]:
    """Return the strings of a response that may be its message, beginning with `status`."""
    found = parsed(text)
    if not isinstance(found, dict):
        return [text.strip() if found is None else str(found)]
    said = [found.get(key) for key in ("status", "message", "cause", "error")]
    texts = [entry for entry in said if isinstance(entry, str) and entry]
    return texts if texts or "errors" not in found else [INVALID_SLUG.text]


def message_in(text: str) -> str:
    """Return the message in the body of a response, or "" for JSON without one.

    Use `quoted` to show it.
    """
    said = parsed(text)
    if isinstance(said, dict):
        said = said.get("message") or said.get("error") or said.get("errors") or ""
    elif said is None:
        said = text
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)


def parsed(text: str | bytes) -> Any:
    """Return the parsed JSON, or None if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_of(row: ErrorText, message: str) -> bool:
    return message.startswith((row.text, *row.others)) or (row.code != "" and message == row.code)


REFUSAL_CURES: Final[dict[str, str]] = {
    "not-authenticated": "The user has to sign in to this site first.",
    "invalid-credentials": "Send credentials that METABASE_SSO['AUTHENTICATE'] accepts.",
    "nobody": (
        "METABASE_SSO['AUTHENTICATE'] returned an anonymous user for a request with a session."
        " Return the user instead, or None to accept the session's user."
    ),
    "inactive": "Set the user's is_active to True, if they may sign in again.",
    "no-email": "Give the user an e-mail address (in the user model's EMAIL_FIELD).",
    "invalid-email": (
        "Correct the user's e-mail address: it must be plain ASCII without spaces, and its"
        " domain must have a dot."
    ),
    "impersonated": (
        'Write "ALLOW_IMPERSONATION": True in METABASE_SSO, if staff may see what this user sees.'
        " If it is already True, the impersonator could not be identified: pass the request to"
        " issue_token() and to the client."
    ),
    "unsaved-email": (
        "Save the user before you ask for a token: the database has a different e-mail address"
        " for them."
    ),
    "shared-email": (
        "Give each user a different e-mail address, including inactive users: users with the same"
        " address share one account in Metabase."
    ),
    "policy": "Change the user or METABASE_SSO['ACCESS_POLICY'], if this user should have access.",
    "no-tenant": (
        "Return the tenant's slug from METABASE_SSO['TENANT'], or claims.INTERNAL for staff."
    ),
    "token-too-large": (
        "Send fewer groups (METABASE_SSO['GROUP_MAPPING']) and shorter attributes"
        " ('USER_ATTRIBUTES'). The SDK and web components do not have this limit."
    ),
}


@dataclass(frozen=True)
class Refusal:
    """Why a user does not get a token.

    `code` is that of AccessRefused, or "invalid-claim". `message` says what is wrong, and `cure`
    what to change.
    """

    code: str
    message: str
    cure: str


def refusal_of(error: AccessRefused | InvalidClaim) -> Refusal:
    """Return what to show an operator about an exception."""
    if isinstance(error, AccessRefused):
        return Refusal(error.code, quoted(error.message, None), cure_of(error.code))
    cure = "Correct what the callables in METABASE_SSO return for this user."
    return Refusal("invalid-claim", quoted(error, None), cure)


def cure_of(code: str) -> str:
    """Return what to change for the code of an AccessRefused."""
    return REFUSAL_CURES.get(code, "Look at the settings in METABASE_SSO.")


def quoted(text: object, longest: int | None = LONGEST_QUOTE) -> str:
    """Return a string of another program so that it is safe in a log and a terminal.

    Tokens are hidden. Characters that are not printable (line ends, ESC, U+2028, marks that change
    the direction of writing) are escaped as in a Python string. `longest` is the greatest length
    in characters; None means any length.
    """
    return hide_tokens("".join(map(_printable, str(text))))[:longest]


def hide_tokens(text: str) -> str:
    """Return `text` with `[hidden]` in place of everything that looks like a JWT."""
    return TOKEN.sub("[hidden]", text)


def _printable(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()
