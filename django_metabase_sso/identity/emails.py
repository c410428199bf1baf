"""The e-mail address, by which Metabase identifies a user."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext

from django_metabase_sso.exceptions import AccessRefused

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

LONGEST = 254  # characters: RFC 3696, erratum 1690
# Django accepts some addresses that Metabase refuses: with a quoted local part ("a b"@...), with
# an IP address as the domain (@[192.0.2.1]), and with a domain without a dot (@localhost).
REFUSED = frozenset('"[')
check = EmailValidator(allowlist=[])


def canonical_email(user: AbstractBaseUser) -> str:
    """Return the user's address in the form that is sent and compared: lower-case ASCII.

    Metabase finds the account by the lower-cased address. Other letters are refused and not
    converted, because Java, the database and Python disagree about which letters are the same
    (U+212A lower-cases to k). Raises AccessRefused with `no-email` or `invalid-email`.
    """
    address = getattr(user, user.get_email_field_name(), None)
    if address is None or (isinstance(address, str) and not address.strip()):
        raise AccessRefused("no-email", gettext("Your account has no e-mail address."))
    if not isinstance(address, str) or not _is_plain(address):
        raise AccessRefused(
            "invalid-email",
            gettext("Metabase cannot use the e-mail address of your account."),
        )
    return address.lower()


def is_same(stored: object, email: str) -> bool:
    """Return whether an address in the database is this canonical one, in any case."""
    return isinstance(stored, str) and stored.isascii() and stored.lower() == email


@lru_cache(maxsize=4096)  # about as many users as a process sees in a day
def _is_plain(address: str) -> bool:
    if len(address) > LONGEST or not REFUSED.isdisjoint(address):
        return False
    if not (address.isascii() and address.isprintable()):
        return False
    try:
        check(address)
    except ValidationError:
        return False
    return True
