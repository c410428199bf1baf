"""The audit trail: one row for each token and each refusal."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class MetabaseEvent(models.Model):
    """A request for a token: who asked, and what they got. The token itself is not stored."""

    when = models.DateTimeField(auto_now_add=True, db_index=True)
    code = models.CharField(max_length=50, help_text='"issued", or the code of the refusal')
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    # Strings, because rows stay when a user is deleted or gets another address.
    user_key = models.CharField(max_length=255, db_index=True)
    email = models.CharField(max_length=254, blank=True, help_text="the address in the token")
    impersonator_key = models.CharField(
        max_length=255,
        blank=True,
        help_text="the key of the member of staff who acted as the user",
    )
    groups = models.JSONField(null=True, help_text="null: no groups were sent")
    ip = models.GenericIPAddressField(null=True)

    class Meta:
        ordering: ClassVar = ["-when", "-pk"]

    def __str__(self) -> str:
        return f"{self.code}, user {self.user_key}"
