"""The user model."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower


class Person(AbstractUser):
    """An employee, or a customer who belongs to a tenant."""

    region = models.CharField(max_length=50, blank=True)
    is_customer = models.BooleanField(default=False)
    tenant = models.SlugField(blank=True)

    class Meta:
        # For REQUIRE_UNIQUE_EMAIL. A real site would have a unique constraint instead. In the
        # demo, two users have the same address, to show what happens.
        indexes: ClassVar = [models.Index(Lower("email"), name="person_email_lower")]
