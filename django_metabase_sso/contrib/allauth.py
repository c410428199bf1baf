"""What django-allauth knows: verified addresses and second factors. The extra is `[allauth]`."""

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
    """Return the users for whom this canonical address is verified, as primary or otherwise.

    One who verified it as a second address can make it the primary one at any time. The rows are
    compared again here: a database may take another letter for the same. One query.
    """
    model = email_addresses()
    # Of all languages: to Turkish the lower case of I is a dotless i.
    lower = Replace(Lower("email"), Value("\N{LATIN SMALL LETTER DOTLESS I}"), Value("i"))
    same = model.using(router.db_for_write(model.model)).filter(verified=True)
    rows = same.alias(_email=lower).filter(_email=email).values_list("user_id", "email")
    return Q(pk__in=[user for user, address in rows if is_same(address, email)])


@counting_sharers(verified_sharers)
def require_verified_email(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
    """ACCESS_POLICY that allows whose primary address is verified, and is the account's e-mail.

    Others who have the address unverified get no token by this rule, so they do not count as
    sharing it: nobody locks its owner out by typing it. Costs one query.
    """
    email = canonical_email(user)
    primary = email_addresses().filter(user=user.pk, primary=True, verified=True)
    if any(is_same(address, email) for address in primary.values_list("email", flat=True)):
        return True
    message = gettext("Confirm your e-mail address first, and make it your primary one.")
    raise PermissionDenied(message)


def require_mfa(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
    """ACCESS_POLICY that allows users who used a second factor of `allauth.mfa` in this session.

    A passkey that signs in without a password counts as well, and so do recovery codes; a browser
    that is trusted (MFA_TRUST_ENABLED) does not, until its user confirms the second factor. The
    factor must still be registered for the user. A user who is not the session's, from a header or
    outside a request, is refused. Costs one query.
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
    # Older versions of allauth do not say whose records these are.
    if not used or not Authenticator.objects.filter(pk__in=used, user=user.pk).exists():
        raise PermissionDenied(gettext("Sign in with your second factor first."))
    return True


def email_addresses() -> Any:
    """Return the rows of django-allauth's addresses, none of them hidden by a manager."""
    from allauth.account.models import EmailAddress

    return QuerySet(EmailAddress)
