"""The users in Django's admin, with their accounts in Metabase."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from django_metabase_sso.contrib.admin import MetabaseAccessMixin
from example_project.people.models import Person


@admin.register(Person)
class PersonAdmin(MetabaseAccessMixin, UserAdmin):  # type: ignore[type-arg]
    """If you deactivate a user here, their sessions in Metabase end."""

    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        ("Metabase's row-level security", {"fields": ("region", "is_customer", "tenant")}),
    )
    list_display = ("username", "email", "is_active", "is_staff", "tenant")
