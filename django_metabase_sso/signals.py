"""Signals and log records: what happened, never a token.

- `token_issued(sender, user, request, claims, impersonator)`: sent after signing and before
  answering, so that a receiver that raises stops the answer: an audit that fails closed.
  `impersonator` is the member of staff who acts as `user`, or None.
- `token_refused(sender, user, request, code)`: sent robustly; Django logs a receiver that raises.
- `access_ended(sender, user, email, account_id, how)`: what `accounts` or END_ACCESS did in
  Metabase; `how` is "sessions" or "deactivated". Sent robustly, possibly from a background thread.

`sender` is the class of the user; `request` is None outside a request.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.dispatch import Signal

from django_metabase_sso.exceptions import AccessRefused

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
    """Log the refusal and tell the receivers."""
    logger.warning(
        "No Metabase token for user %s: %s",
        user.pk,
        refusal.code,
        extra={"code": refusal.code, "user_id": user.pk},
    )
    token_refused.send_robust(sender=user.__class__, user=user, request=request, code=refusal.code)


def send_ended(
    user: AbstractBaseUser, email: str, account_id: int, how: str, *, sender: type | None = None
) -> None:
    """Log that a person's access ended in Metabase, and tell the receivers."""
    logger.info(
        "Access of user %s ended in Metabase: account %s, %s",
        user.pk,
        account_id,
        how,
        extra={"code": "access-ended", "user_id": user.pk},
    )
    access_ended.send_robust(
        sender=sender or user.__class__, user=user, email=email, account_id=account_id, how=how
    )


def log_not_ended(user_id: object, why: str) -> None:
    """Log that a person keeps their access to Metabase for now; `sync` finds it later."""
    logger.error(
        "Access of user %s did not end in Metabase: %s",
        user_id,
        why,
        extra={"code": "access-not-ended", "user_id": user_id},
    )
