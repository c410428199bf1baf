"""The exceptions of this package. Only the views convert them to HTTP statuses."""

from __future__ import annotations

from typing import Literal

from django.core.exceptions import ImproperlyConfigured

__all__ = [
    "AccessRefused",
    "BadSetting",
    "InvalidClaim",
    "InvalidEmbed",
    "InvalidParameter",
    "MetabaseError",
    "MetabaseRefused",
    "MetabaseSSOError",
    "MetabaseUnavailable",
]

RefusalCode = Literal[
    "not-authenticated",
    "invalid-credentials",
    "nobody",
    "inactive",
    "no-email",
    "invalid-email",
    "impersonated",
    "unsaved-email",
    "shared-email",
    "policy",
    "no-tenant",
    "token-too-large",
]


class MetabaseSSOError(Exception):
    """The base class of the exceptions below, except BadSetting."""


class AccessRefused(MetabaseSSOError):
    """The user may not have a token. `code` is for programs, and `message` for users."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(code, message)
        self.code: RefusalCode = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


class InvalidClaim(MetabaseSSOError):
    """A claim that Metabase would drop, change or refuse. `claim` is its name."""

    def __init__(self, claim: str, problem: str) -> None:
        super().__init__(claim, problem)
        self.claim = claim
        self.problem = problem

    def __str__(self) -> str:
        return f"Claim {self.claim!r}: {self.problem}"


class InvalidParameter(MetabaseSSOError, ValueError):
    """A parameter of a guest embed that would unlock a filter, or that Metabase refuses."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(parameter, problem)
        self.parameter = parameter
        self.problem = problem

    def __str__(self) -> str:
        return f"Parameter {self.parameter!r}: {self.problem}"


class InvalidEmbed(MetabaseSSOError, ValueError):
    """Wrong use of a template tag or its function. The message says what to write instead."""


class MetabaseError(MetabaseSSOError):
    """A call to Metabase failed. The exception contains no token, session, key or request."""


class MetabaseUnavailable(MetabaseError):
    """Metabase did not give a usable response. Try again later, or check the instance.

    `status` is the HTTP status of the response, or None if there was none.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return self.message


class MetabaseRefused(MetabaseError):
    """Metabase refused the call, with a 4xx `status` and the message `text`.

    `call` is the method and the address, without the query. `cause` and `cure` are explanations by
    this package, or "" if the reason is unknown. `status` is 0 if a safety rule of this package
    refused the call before it was sent.
    """

    def __init__(self, call: str, status: int, text: str, cause: str = "", cure: str = "") -> None:
        super().__init__(call, status, text, cause, cure)
        self.call = call
        self.status = status
        self.text = text
        self.cause = cause
        self.cure = cure

    def __str__(self) -> str:
        if not self.status:
            return f"Not done ({self.call}): {self.cause}"
        sentence = f"Metabase refused {self.call} with {self.status}"
        said = f"{sentence}: {self.text}" if self.text else f"{sentence}."
        return " ".join(filter(None, [said, self.cause, self.cure]))


class InvalidGuestRequest(MetabaseSSOError):
    """The request body of the guest token endpoint is invalid. `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class InvalidReturnTo(MetabaseSSOError):
    """`return_to` is not a page of this Metabase."""


class CallableFailed(MetabaseSSOError):
    """A callable of `METABASE_SSO` raised an exception for which Django would show a page."""


class BadSetting(ImproperlyConfigured):
    """A value in `METABASE_SSO` cannot work or is unsafe.

    `check_id` is the id of the system check with the same message, such as `metabase_sso.E002`.
    `hint` can be pasted.
    """

    def __init__(self, check_id: str, message: str, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.check_id = check_id
        self.message = message
        self.hint = hint
