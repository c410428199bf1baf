"""Signals and log records. None of them contains a token.

- `token_issued(sender, user, request, claims, impersonator)` is sent after the token is signed and
  before the response. If a receiver raises an exception, the token is not sent, so that no token
  is without its audit record. `impersonator` is the staff member who acts as `user`, or None.
- `token_refused(sender, user, request, code)` is sent with `send_robust()`: Django logs exceptions
  of receivers.
- `access_ended(sender, user, email, account_id, how)` is sent after `accounts` or END_ACCESS has
  ended access in Metabase; `how` is "sessions" or "deactivated". It is sent with
  `send_robust()`, and may come from a background thread.

`sender` is the class of the user; `request` is None outside a request.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.dispatch import Signal

from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.troubleshooting import cure_of

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest

__all__ = ["access_ended", "token_issued", "token_refused"]

logger = logging.getLogger("django_metabase_sso")

token_issued = Signal()
token_refused = Signal()
access_ended = Signal()


def send_refused(
    user: AbstractBaseUser | AnonymousUser, request: HttpRequest | None, refusal: AccessRefused
) -> None:
    """Log a refusal and send `token_refused`."""
    logger.warning(
        "No Metabase token for user %s: %s. %s",
        user.pk,
        refusal.code,
        cure_of(refusal.code),
        extra={"code": refusal.code, "user_id": user.pk},
    )
    token_refused.send_robust(sender=user.__class__, user=user, request=request, code=refusal.code)


def send_ended(
    user: AbstractBaseUser, email: str, account_id: int, how: str, *, sender: type | None = None
) -> None:
    """Log that a user's access to Metabase has ended, and send `access_ended`."""
    logger.info(
        "The access of user %s to Metabase has ended: account %s, %s",
        user.pk,
        account_id,
        how,
        extra={"code": "access-ended", "user_id": user.pk},
    )
    access_ended.send_robust(
        sender=sender or user.__class__, user=user, email=email, account_id=account_id, how=how
    )


def log_not_ended(user_id: object, why: str) -> None:
    """Log that a user still has access to Metabase; the `sync` command finds them later."""
    logger.error(
        "The access of user %s to Metabase has not ended: %s",
        user_id,
        why,
        extra={"code": "access-not-ended", "user_id": user_id},
    )
