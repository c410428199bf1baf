from __future__ import annotations

from django.contrib.auth.models import User


class StaffUser(User):
    """The same rows and the same table as Django's own user model."""

    class Meta:
        proxy = True
