"""Policies for django-allauth: verified addresses and second factors. Needs `[allauth]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import SESSION_KEY
from django.core.exceptions import PermissionDenied
from django.db import router
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower, Replace
from django.utils.translation import gettext

from django_metabase_sso.identity.emails import canonical_email, is_same
from django_metabase_sso.policies import counting_sharers

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

__all__ = ["require_mfa", "require_verified_email"]


def verified_sharers(email: str) -> Q:
    """Return the users for whom this canonical address is verified, primary or not.

    A user can make another verified address the primary one at any time. The rows are compared
    again in Python, because a database may treat different letters as equal. Costs one query.
    """
    model = email_addresses()
    # With a Turkish collation, the lowercase letter of I is a dotless i.
    lower = Replace(Lower("email"), Value("\N{LATIN SMALL LETTER DOTLESS I}"), Value("i"))
    same = model.using(router.db_for_write(model.model)).filter(verified=True)
    rows = same.alias(_email=lower).filter(_email=email).values_list("user_id", "email")
    return Q(pk__in=[user for user, address in rows if is_same(address, email)])


@counting_sharers(verified_sharers)
def require_verified_email(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
    """Allow users whose primary address is verified and is the e-mail address of the user.

    Users with an unverified address do not get a token, so they do not count as sharers: nobody
    can lock out the owner of an address by entering it. For ACCESS_POLICY. Costs one query.
    """
    email = canonical_email(user)
    primary = email_addresses().filter(user=user.pk, primary=True, verified=True)
    if any(is_same(address, email) for address in primary.values_list("email", flat=True)):
        return True
    message = gettext("Confirm your e-mail address first, and make it your primary one.")
    raise PermissionDenied(message)


def require_mfa(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
    """Allow users who used a second factor of `allauth.mfa` in this session.

    Passkeys without a password and recovery codes count. A trusted browser (MFA_TRUST_ENABLED)
    does not count, until its user confirms the second factor. The factor must still be registered
    for the user. Refuses users who are not the session's user: from a header, or outside a
    request. For ACCESS_POLICY. Costs one query.
    """
    from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
    from allauth.mfa.models import Authenticator

    session = getattr(request, "session", {})
    if session.get(SESSION_KEY) != user._meta.pk.value_to_string(user):  # noqa: SLF001
        raise PermissionDenied(
            gettext("This site could not check whether you used your second factor.")
        )
    records = session.get(AUTHENTICATION_METHODS_SESSION_KEY, ())
    used = [record["id"] for record in records if record["method"] == "mfa"]
    # Older versions of allauth do not store whose records these are.
    if not used or not Authenticator.objects.filter(pk__in=used, user=user.pk).exists():
        raise PermissionDenied(gettext("Sign in with your second factor first."))
    return True


def email_addresses() -> Any:
    """Return all of django-allauth's addresses, including those that a manager hides."""
    from allauth.account.models import EmailAddress

    return QuerySet(EmailAddress)
