"""Ready-made policies for ACCESS_POLICY, and two ways to combine policies.

A settings file can use all of them: dotted paths are imported when the policy is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import Q
from django.utils.translation import gettext

from django_metabase_sso.conf import readers
from django_metabase_sso.identity.emails import canonical_email

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

__all__ = [
    "all_of",
    "any_of",
    "counting_sharers",
    "deny_emails",
    "require_group",
    "require_otp",
    "require_permission",
    "trust_emails",
]

# The characters that Django's EmailValidator allows outside quotation marks, and * and ?.
PATTERN = re.compile(r"[-!#$%&'*+/=?^_`{}|~0-9a-z.]+@[-*?0-9a-z.]+")
AccessPolicy = Callable[["AbstractBaseUser", "HttpRequest | None"], bool]


def trust_emails(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
    """ACCESS_POLICY for projects that verify e-mail addresses: allows every user."""
    return True


def deny_emails(*patterns: str) -> AccessPolicy:
    """Return an ACCESS_POLICY that refuses addresses that match one of the patterns.

    `deny_emails("*@corp.example")` protects the accounts of Metabase's own administrators. `*`
    matches any characters and `?` one character; upper and lower case are the same. Raises
    ValueError without a pattern, and for a pattern that cannot match an address, such as one with
    a set of characters in brackets.
    """
    if not patterns:
        raise ValueError("deny_emails needs a pattern, such as '*@corp.example'")
    folded = [pattern.lower() for pattern in patterns]
    for pattern in folded:
        if not PATTERN.fullmatch(pattern):
            raise ValueError(
                f"deny_emails: {pattern!r} cannot match an address; write '*@corp.example'"
            )

    def policy(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
        email = canonical_email(user)
        return not any(fnmatchcase(email, pattern) for pattern in folded)

    return policy


def ask(
    policy: Callable[..., Any], user: AbstractBaseUser, request: HttpRequest | None, where: str
) -> bool:
    """Return the policy's answer; `where` names the policy in the error message.

    Raises ImproperlyConfigured for anything other than a bool: a coroutine would count as true.
    """
    allowed = policy(user, request)
    if not isinstance(allowed, bool):
        raise ImproperlyConfigured(f"{where} returned {type(allowed).__name__}, not a bool.")
    return allowed


def counted_sharers(policy: object, email: str) -> Q:
    """Return which of the other users with this canonical address count as sharing it.

    All of them count (an empty Q), unless the policy has a function `counted_sharers(email)` that
    returns a Q. The policy must refuse every user whom that Q leaves out: otherwise two users
    could get tokens for the same address.
    """
    function = getattr(policy, "counted_sharers", None)
    return Q() if function is None else function(email)


class Composed:
    """Several policies in order, each a callable or a dotted path."""

    def __init__(self, *policies: AccessPolicy | str) -> None:
        if not policies:
            raise ValueError("all_of and any_of need at least one policy")
        self.policies = policies

    def parts(self) -> list[Callable[..., Any]]:
        """Return the policies, imported. Raises BadSetting if an import fails."""
        return [readers.as_callable("ACCESS_POLICY", policy) for policy in self.policies]

    def ask(
        self, policy: Callable[..., Any], user: AbstractBaseUser, request: HttpRequest | None
    ) -> bool:
        """Return the answer of one policy. Raises ImproperlyConfigured if it is not a bool."""
        name = getattr(policy, "__name__", type(policy).__name__)
        return ask(policy, user, request, f"METABASE_SSO['ACCESS_POLICY']: {name}")


class AllOf(Composed):
    """See `all_of`."""

    def __call__(self, user: AbstractBaseUser, request: HttpRequest | None) -> bool:
        return all(self.ask(policy, user, request) for policy in self.parts())

    def counted_sharers(self, email: str) -> Q:
        """Return the sharers whom every policy counts."""
        return reduce(and_, (counted_sharers(part, email) for part in self.parts()))


class AnyOf(Composed):
    """See `any_of`."""

    def __call__(self, user: AbstractBaseUser, request: HttpRequest | None) -> bool:
        denial: PermissionDenied | None = None
        for policy in self.parts():
            try:
                if self.ask(policy, user, request):
                    return True
            except PermissionDenied as denied:
                denial = denied
        if denial is not None:
            raise denial
        return False

    def counted_sharers(self, email: str) -> Q:
        """Return the sharers whom at least one policy counts."""
        counted = [counted_sharers(part, email) for part in self.parts()]
        return reduce(or_, counted) if all(counted) else Q()


def all_of(*policies: AccessPolicy | str) -> AccessPolicy:
    """Return an ACCESS_POLICY that allows users whom all of the policies allow.

    The policies are asked in order, until one refuses; the message of its PermissionDenied is
    kept. Raises ValueError without a policy.
    """
    return AllOf(*policies)


def any_of(*policies: AccessPolicy | str) -> AccessPolicy:
    """Return an ACCESS_POLICY that allows users whom at least one of the policies allows.

    The policies are asked in order, until one allows the user. A refusal has the message of the
    last PermissionDenied. Raises ValueError without a policy.
    """
    return AnyOf(*policies)


def require_group(name: str) -> AccessPolicy:
    """Return an ACCESS_POLICY that allows the members of the Django group with this name.

    The policy costs one query. It raises ImproperlyConfigured if the user model has no groups.
    """

    def policy(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
        groups = getattr(user, "groups", None)
        if groups is None:
            raise ImproperlyConfigured(
                "require_group needs Django groups, but the user model has none."
            )
        return bool(groups.filter(name=name).exists())

    return policy


def require_permission(permission: str) -> AccessPolicy:
    """Return an ACCESS_POLICY that allows users with a permission, "app_label.codename".

    Superusers have every permission. Raises ValueError for a permission without an app label. The
    policy raises ImproperlyConfigured if the user model has no permissions.
    """
    if not all(permission.partition(".")):
        raise ValueError("require_permission needs 'app_label.codename'")

    def policy(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
        has_perm = getattr(user, "has_perm", None)
        if has_perm is None:
            text = "require_permission needs user.has_perm(): use PermissionsMixin."
            raise ImproperlyConfigured(text)
        return bool(has_perm(permission))

    return policy


def require_otp(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
    """ACCESS_POLICY that allows users who used a second factor of django-otp in this session.

    Metabase does not ask for its own second factor after a JWT sign-in. django-otp's OTPMiddleware
    marks `request.user`. Users without this mark are refused: users whom a header authenticated,
    and users outside a request.
    """
    is_verified = getattr(user, "is_verified", None)
    # Without otp_device, is_verified may be about the address.
    if not callable(is_verified) or not hasattr(user, "otp_device"):
        raise PermissionDenied(
            gettext("This site could not check whether you used your second factor.")
        )
    if is_verified() is not True:
        raise PermissionDenied(gettext("Sign in with your second factor first."))
    return True


def counting_sharers(which: Callable[[str], Q]) -> Callable[[AccessPolicy], AccessPolicy]:
    """Return a decorator that gives a policy its `counted_sharers` function."""

    def mark(policy: AccessPolicy) -> AccessPolicy:
        policy.counted_sharers = which  # type: ignore[attr-defined]
        return policy

    return mark
