"""Django's own user, in its own tables, with the constraint that the documentation shows."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower


class User(AbstractUser):
    """Stands on the table of Django's user model, which has the constraint's index."""

    class Meta:
        db_table = "auth_user"
        constraints = (models.UniqueConstraint(Lower("email"), name="auth_user_email_lower"),)
