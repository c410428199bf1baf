"""User models that are not Django's own."""

from __future__ import annotations

import uuid
from typing import ClassVar

import encrypted_fields.fields
import encrypted_model_fields.fields
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
    """The address is not a field of the table."""

    email = "nobody@example.com"


class ShownManager(BaseUserManager["HidingUser"]):
    """Hides who left, as managers do for soft deletion."""

    def get_queryset(self) -> models.QuerySet[HidingUser]:
        return super().get_queryset().filter(is_active=True)


class HidingUser(AbstractBaseUser):
    """A UUID for a key, and a base manager that hides rows."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField()
    is_active = models.BooleanField(default=True)

    objects = ShownManager()

    USERNAME_FIELD = "id"

    class Meta:
        base_manager_name = "objects"


class Person(models.Model):  # noqa: DJ008
    """Some of these cannot sign in."""

    email = models.EmailField()


class MemberUser(AbstractBaseUser, Person):  # noqa: DJ008
    """The key and the address are in the table of the parent."""

    USERNAME_FIELD = "email"


class GeneratedUser(NamedUser):
    """A generated column serves the query: MariaDB has no index on an expression."""

    email = models.EmailField()
    email_lower = models.GeneratedField(
        expression=Lower("email"),
        output_field=models.EmailField(),
        db_persist=True,
        db_index=True,
    )


class EncryptedUser(NamedUser):
    """The address is encrypted by django-encrypted-model-fields."""

    email = encrypted_model_fields.fields.EncryptedEmailField()


class FernetUser(NamedUser):
    """The address is encrypted by django-fernet-encrypted-fields."""

    email = encrypted_fields.fields.EncryptedEmailField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="fernet_email_lower_uniq"),
        ]
