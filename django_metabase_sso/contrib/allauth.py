"""django-allauth knows which e-mail addresses are verified. The extra is `[allauth]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext

from django_metabase_sso.identity.emails import canonical_email
from django_metabase_sso.policies import counting_sharers

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

__all__ = ["require_verified_email"]


def verified_sharers(email: str) -> Q:
    """Return the users for whom this canonical address is verified, as primary or otherwise.

    One who verified it as a second address can make it the primary one at any time.
    """
    same = _addresses().alias(_email=Lower("email")).filter(_email=email, verified=True)
    return Q(Exists(same.filter(user=OuterRef("pk"))))


@counting_sharers(verified_sharers)
def require_verified_email(user: AbstractBaseUser, request: HttpRequest | None) -> bool:
    """ACCESS_POLICY that allows whose primary address is verified, and is the account's e-mail.

    Others who have the address unverified get no token by this rule, so they do not count as
    sharing it: nobody locks its owner out by typing it. Costs one query.
    """
    email = canonical_email(user)
    primary = _addresses().filter(user=user.pk, primary=True, verified=True)
    for address in primary.values_list("email", flat=True):
        # canonical_email lets ASCII through alone: a Kelvin sign lower-cases to a k.
        if address.isascii() and address.lower() == email:
            return True
    message = gettext("Confirm your e-mail address first, and make it your primary one.")
    raise PermissionDenied(message)


def _addresses() -> Any:
    from allauth.account.models import EmailAddress

    return EmailAddress._base_manager  # noqa: SLF001
