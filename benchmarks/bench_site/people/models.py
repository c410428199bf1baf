"""Django's own user, in its own tables, with what the documentation shows for unique addresses."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower

from bench_site.settings import OWN_USER


class User(AbstractUser):
    """Stands on the table of Django's user model, which has the constraint's index.

    MariaDB has a generated column with an index instead.
    """

    if OWN_USER == "generated":
        email_lower = models.GeneratedField(
            expression=Lower("email"),
            output_field=models.EmailField(),
            db_persist=False,
            db_index=True,
        )

    class Meta:
        db_table = "auth_user"
        constraints = (
            []
            if OWN_USER == "generated"
            else [models.UniqueConstraint(Lower("email"), name="auth_user_email_lower")]
        )
