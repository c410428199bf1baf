"""Signals and log records: what happened, never a token.

- `token_issued(sender, user, request, claims, impersonator)`: sent after signing and before
  answering, so that a receiver that raises stops the answer: an audit that fails closed.
  `impersonator` is the member of staff who acts as `user`, or None.
- `token_refused(sender, user, request, code)`: sent robustly; Django logs a receiver that raises.

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

__all__ = ["token_issued", "token_refused"]

logger = logging.getLogger("django_metabase_sso")

token_issued = Signal()
token_refused = Signal()


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
