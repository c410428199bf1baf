from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import CommandError
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.models.functions import Lower

INDEX = models.Index(Lower("email"), name="metabase_sso_email_lower")
INSTEAD = (
    "Remove django_metabase_sso.contrib.email_index from INSTALLED_APPS. The hint of"
    " metabase_sso.W012 (`manage.py check --deploy --tag security`) says what to do instead."
)


class IndexEmail(Operation):
    """Create an index on LOWER(email) of Django's own user model, without changing its state."""

    reversible = True
    reduces_to_sql = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Do not change the models of django.contrib.auth."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if settings.AUTH_USER_MODEL != "auth.User":
            raise CommandError(f"AUTH_USER_MODEL is {settings.AUTH_USER_MODEL!r}. {INSTEAD}")
        connection = schema_editor.connection
        model = from_state.apps.get_model("auth", "User")
        if not self.allow_migrate_model(connection.alias, model):
            return
        if not connection.features.supports_expression_indexes:
            raise CommandError(f"{connection.display_name} does not have such indexes. {INSTEAD}")
        schema_editor.add_index(model, INDEX, **_without_lock(connection))

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        connection = schema_editor.connection
        model = from_state.apps.get_model("auth", "User")
        if self.allow_migrate_model(connection.alias, model):
            schema_editor.remove_index(model, INDEX, **_without_lock(connection))

    def describe(self) -> str:
        return "Index the lower-case e-mail address of auth.User"


def _without_lock(connection: Any) -> dict[str, bool]:
    """Let PostgreSQL write to the table while it creates the index, outside of a transaction."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        return {"concurrently": True}
    return {}


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar = [("auth", "0001_initial")]
    operations: ClassVar = [IndexEmail()]
