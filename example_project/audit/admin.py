"""The audit trail in Django's admin, for users with the permission `audit.view_metabaseevent`."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from example_project.audit.models import MetabaseEvent


@admin.register(MetabaseEvent)
class MetabaseEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Only the receivers write rows, and nobody can change them."""

    date_hierarchy = "when"
    list_display = (
        "when",
        "code",
        "user",
        "user_key",
        "email",
        "groups",
        "impersonator_key",
        "ip",
    )
    list_filter = ("code",)
    list_select_related = ("user",)
    search_fields = ("=user_key", "email")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: MetabaseEvent | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: MetabaseEvent | None = None
    ) -> bool:
        return False
