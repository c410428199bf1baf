"""Metabase's accounts as an administrator sees them. Needs `API_KEY` and the extra `client`.

Every function sends requests to Metabase and waits for the answers. They raise MetabaseUnavailable
if Metabase does not give a usable answer, MetabaseRefused if Metabase or a safety rule of this
package refuses, and BadSetting without a key.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from django_metabase_sso.administration.accounts import (
    Account,
    deactivate_email,
    find_by_email,
    revoke,
)
from django_metabase_sso.administration.api import Api, opened
from django_metabase_sso.identity.emails import canonical_email
from django_metabase_sso.signals import send_ended

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

__all__ = ["Account", "deactivate", "end_sessions", "find"]


def find(user: AbstractBaseUser, *, api: Api | None = None) -> Account | None:
    """Return the account that `user` signs in to, active or not; None if there is none.

    Raises AccessRefused for a user without a usable e-mail address.
    """
    email = canonical_email(user)
    with _api(api) as opened_api:
        return find_by_email(opened_api, email)


def end_sessions(user: AbstractBaseUser, *, api: Api | None = None) -> int:
    """End all of a user's sessions in Metabase, on every device. Return how many there were.

    Needs Metabase 65 or newer with a Pro or Enterprise plan. Returns 0 for a user without an
    account. Sends `access_ended` with how="sessions".
    """
    with _api(api) as opened_api:
        account = find(user, api=opened_api)
        if account is None:
            return 0
        count = revoke(opened_api, account.id)
    send_ended(user, account.email, account.id, "sessions")
    return count


def deactivate(user: AbstractBaseUser, *, api: Api | None = None) -> Account | None:
    """Deactivate a user's account in Metabase, which also ends their sessions. Return it.

    Returns None for a user without an active account. Raises MetabaseRefused for an account that
    does not sign in by JWT, for an administrator's or a data analyst's account, and for an address
    that several Django users have. A token signed in the last 180 seconds can still reactivate
    the account, so make sure first that Django does not sign new ones. Sends `access_ended` with
    how="deactivated".
    """
    email = canonical_email(user)
    with _api(api) as opened_api:
        account = deactivate_email(opened_api, email, but=user.pk)
    if account is not None:
        send_ended(user, account.email, account.id, "deactivated")
    return account


def _api(api: Api | None) -> Any:
    return opened() if api is None else nullcontext(api)
