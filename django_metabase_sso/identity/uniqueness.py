"""Is an e-mail address the user's alone, and does the database see to it?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import connections, models, router
from django.db.models.functions import Lower, Upper

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def sharers(user: AbstractBaseUser, email: str) -> models.QuerySet[Any]:
    """Return the other users, active or not, who have this canonical address.

    Metabase reactivates a deactivated account, so inactive users count. The comparison is
    LOWER(email) = ..., for which an index on LOWER(email) serves.
    """
    return _with_email(user._state.db).filter(_email=email).exclude(pk=user.pk)  # noqa: SLF001


def shared_addresses() -> models.QuerySet[Any]:
    """Return each address, in lower case, that several active users have. One query."""
    users = _with_email().exclude(_email="").filter(_email__isnull=False)
    if any(field.name == "is_active" for field in users.model._meta.concrete_fields):  # noqa: SLF001
        users = users.filter(is_active=True)
    grouped = users.annotate(_address=models.F("_email")).values("_address").order_by("_address")
    shared = grouped.annotate(_users=models.Count("pk")).filter(_users__gt=1)
    addresses: models.QuerySet[Any] = shared.values_list("_address", flat=True)
    return addresses


def is_guaranteed() -> bool:
    """Whether the database itself lets no two users have one address in any case.

    By a unique constraint on Lower or Upper of the field, or a unique field with a collation that
    is known to ignore case. `unique=True` alone lets both Ada@ and ada@ in, and Django leaves such
    a constraint out where the database has no index on expressions (MariaDB, MySQL before 8.0.13).
    """
    field = email_field()
    if field is None or not field.model._meta.managed:  # noqa: SLF001
        return False
    if field.unique and _ignores_case(field):
        return True
    return _connection(field).features.supports_expression_indexes and any(
        _is_folded(constraint.expressions, field)
        for constraint in field.model._meta.constraints  # noqa: SLF001
        if isinstance(constraint, models.UniqueConstraint)
        and constraint.condition is None
        and constraint.deferrable is None
    )


def is_indexed() -> bool:
    """Whether the model declares an index that serves the query for `sharers`."""
    field = email_field()
    return field is not None and any(
        isinstance(index.expressions[0], Lower) and _is_folded(index.expressions, field)
        for index in field.model._meta.indexes  # noqa: SLF001
        if index.expressions and index.condition is None
    )


def is_comparable(field: models.Field[Any, Any]) -> bool:
    """Whether the lower case of I is i to the column: in Turkish and Azeri it is another letter.

    Where it is not, a capital I hides an address from `sharers`, and from a unique constraint.
    """
    connection = _connection(field)
    table, column = map(connection.ops.quote_name, (field.model._meta.db_table, field.column))  # noqa: SLF001
    # Of no row, but with the collation of the column.
    letter = f"COALESCE((SELECT {column} FROM {table} WHERE 1 = 0), 'I')"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT LOWER({letter}){connection.features.bare_select_suffix}")
        return bool(cursor.fetchone() == ("i",))


def email_field() -> models.Field[Any, Any] | None:
    """Return the e-mail field of the user model; None where it is no field of a table."""
    model = get_user_model()
    name = model.get_email_field_name()
    for field in model._meta.concrete_fields:  # noqa: SLF001
        if field.name == name:
            return field
    return None


def _with_email(using: str | None = None) -> models.QuerySet[Any]:
    model = get_user_model()
    people = model._base_manager.using(using)  # noqa: SLF001
    return people.alias(_email=Lower(model.get_email_field_name()))


def _is_folded(expressions: Sequence[Any], field: models.Field[Any, Any]) -> bool:
    if len(expressions) != 1 or not isinstance(expressions[0], Lower | Upper):
        return False
    return bool(expressions[0].get_source_expressions()[0] == models.F(field.name))


def _ignores_case(field: models.Field[Any, Any]) -> bool:
    collation = str(getattr(field, "db_collation", None) or "").lower()
    vendor = _connection(field).vendor
    if vendor == "sqlite":
        return collation == "nocase"
    # To Turkish collations, I is the capital of another letter than i.
    is_turkish = "turkish" in collation or "_tr_" in collation
    return vendor == "mysql" and collation.endswith("_ci") and not is_turkish


def _connection(field: models.Field[Any, Any]) -> Any:
    return connections[router.db_for_read(field.model)]
