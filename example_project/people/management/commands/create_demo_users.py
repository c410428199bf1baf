"""`manage.py create_demo_users`: creates the users of the demo, or resets them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from example_project.people.cast import CAST, PASSWORD, Role
from example_project.people.models import Person


class Command(BaseCommand):
    help = "Creates the users of the demo, all with the same password, and lists them."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "These accounts have a known password, even the staff. They are only for the demo."
            )
        # One hash for all: hashing takes time, and a new hash would end all sessions.
        password = make_password(PASSWORD, salt="demo-only-salt-of-everybody")
        for role in CAST:
            create(role, password)
            self.stdout.write(f"  {role.username:<8} {role.about}")
        self.stdout.write(f"  Everybody's password is: {PASSWORD}")


def create(role: Role, password: str) -> Person:
    """Create or reset one user; `password` is hashed."""
    first_name, last_name = role.name
    person, _ = Person.objects.update_or_create(
        username=role.username,
        defaults={
            "password": password,
            "first_name": first_name,
            "last_name": last_name,
            "email": role.email,
            "region": role.region,
            "tenant": role.tenant,
            "is_customer": role.is_customer,
            "is_staff": role.is_staff,
            "is_active": role.is_active,
        },
    )
    person.groups.set([Group.objects.get_or_create(name=name)[0] for name in role.groups])
    person.user_permissions.set(Permission.objects.filter(codename__in=role.permissions))
    return person
