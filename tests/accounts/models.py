"""User models that are not Django's own."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower


class EmailUser(AbstractBaseUser):
    """The e-mail address is all there is: no username, no names, a UUID for a key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)

    objects = BaseUserManager()

    USERNAME_FIELD = "email"


class NamedUser(AbstractBaseUser):
    """What the models below have in common."""

    username = models.CharField(max_length=50, unique=True)
    full_name = models.CharField(max_length=50)

    objects = BaseUserManager()

    USERNAME_FIELD = "username"

    class Meta:
        abstract = True

    def get_full_name(self) -> str:
        return self.full_name


class ContactUser(NamedUser):
    """The address is in another field, which the database keeps unique in any case."""

    contact = models.EmailField()

    EMAIL_FIELD = "contact"

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("contact"), name="contact_lower_uniq"),
        ]


class IndexedUser(NamedUser):
    """Addresses may be shared, and looking for it uses an index."""

    email = models.EmailField()

    class Meta:
        indexes: ClassVar = [models.Index(Lower("email"), name="indexed_email_lower")]


class CollatedUser(NamedUser):
    """The column's collation ignores case."""

    email = models.EmailField(unique=True, db_collation="NOCASE")

    class Meta:
        required_db_vendor = "sqlite"


class PropertyUser(NamedUser):
    """The address is no field of the table."""

    email = "nobody@example.com"
