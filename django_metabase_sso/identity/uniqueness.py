"""Checks whether an e-mail address belongs to one user only.

The database finds candidates, which are compared again in Python.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import DataError, NotSupportedError, ProgrammingError, connections, models, router
from django.db.models.functions import Lower, Replace
from django.utils.translation import gettext

from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.identity.emails import is_same

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

Users = models.QuerySet[Any]
Rows = Iterable[tuple[Any, Any]]  # keys and addresses
NOT_A_COLUMN = "METABASE_SSO['REQUIRE_UNIQUE_EMAIL'] needs an e-mail address in a column."
INCOMPARABLE = (
    "METABASE_SSO['REQUIRE_UNIQUE_EMAIL']: this database cannot compare the column of the e-mail"
    " address, as when it is encrypted."
)
# Methods with which a project's field converts values on their way to the database and back.
CONVERSIONS = frozenset(
    "from_db_value get_db_converters get_db_prep_save get_db_prep_value get_placeholder"
    " get_placeholder_sql get_prep_value select_format".split()
)
REMEMBERED = 64  # pairs of model and database in a cache
MOST_TRIED = 100  # users, until one has an address


def other_users(user: AbstractBaseUser, email: str, which: models.Q | None = None) -> list[Any]:
    """Return the keys of the other users, active or not, who have this canonical address.

    `which` limits the users. Inactive users count, because Metabase reactivates deactivated
    accounts. Costs no query if the database guarantees that there are none, and otherwise one
    query, in the database where `user` is written. The first call in a process costs one more.

    Raises AccessRefused (`unsaved-email`) if another address is stored for this user, and
    ImproperlyConfigured if the database does not find the user by the stored address.
    """
    model = get_user_model()
    using = router.db_for_write(model, instance=user)
    if is_guaranteed(using):
        return []
    key = model._meta.pk.to_python(user.pk)  # noqa: SLF001
    found = _keys(email, using, which)
    if key in found:
        found.remove(key)
    elif which is None:
        _explain_absence(key, email, using)
    return sorted(found)


def shared_addresses() -> list[str]:
    """Return the canonical addresses that several active users have, sorted. Costs one query."""
    field = _required_field()
    users = folded_users(home()).exclude(_email="").filter(_email__isnull=False)
    if any(field.name == "is_active" for field in users.model._meta.concrete_fields):  # noqa: SLF001
        users = users.filter(is_active=True)
    shared = users.annotate(_address=models.F("_email")).values("_address")
    shared = shared.annotate(_users=models.Count("pk")).filter(_users__gt=1).values("_address")
    stored = users.filter(_email__in=shared).values_list(field.name, flat=True)
    # The database may treat é and e as equal.
    counted = Counter(address.lower() for address in stored if is_same(address, address.lower()))
    return sorted(address for address, users_of in counted.items() if users_of > 1)


def is_declared_unique() -> bool:
    """Return whether the user model declares a unique constraint on Lower of the e-mail column.

    Nothing else counts: `unique=True` allows both Ada@ and ada@, and a collation may treat `ch` as
    one letter.
    """
    field = email_field()
    if field is None or not field.model._meta.managed:  # noqa: SLF001
        return False
    return any(
        _is_lower(constraint.expressions, field)
        for constraint in field.model._meta.constraints  # noqa: SLF001
        if isinstance(constraint, models.UniqueConstraint)
        and constraint.condition is None
        and constraint.deferrable is None
    )


def is_guaranteed(using: str | None = None) -> bool:
    """Return whether the database guarantees unique addresses, whatever their case.

    Django does not create the constraint if the database does not support indexes on expressions.
    If I is not the uppercase letter of i, the constraint allows both Ida@ and ida@.
    """
    if not is_declared_unique():
        return False
    field, using = _required_field(), using or home()
    return (
        has_plain_values(field)
        and connections[using].features.supports_expression_indexes
        and lowers_capital_i(field, using)
    )


def is_indexed() -> bool:
    """Return whether the model declares an index for the query of `other_users`."""
    field = email_field()
    if field is None:
        return False
    column = _lower_column(field)
    if column is not None and (column.db_index or column.unique):
        return True
    return any(
        _is_lower(index.expressions, field)
        for index in field.model._meta.indexes  # noqa: SLF001
        if index.condition is None
    )


def is_findable() -> bool:
    """Return whether the database finds a user by the stored address, or no user has one.

    An encrypted column contains another value for each row.
    """
    field, using = _required_field(), home()
    for key, address in _everybody(using).values_list("pk", field.name)[:MOST_TRIED]:
        if isinstance(address, str) and is_same(address, address.lower()):
            return key in _keys(address.lower(), using)
    return True


def folded_users(using: str) -> Users:
    """Return all users, with their lowercase address as `_email` for filters."""
    field = _required_field()
    column = _lower_column(field)
    lower: Any = Lower(field.name) if column is None else models.F(column.name)
    if not lowers_capital_i(field, using):
        lower = Replace(lower, models.Value("\N{LATIN SMALL LETTER DOTLESS I}"), models.Value("i"))
    users: Users = _everybody(using).alias(_email=lower)
    return users


def require_comparable() -> None:
    """Raise ImproperlyConfigured if the database cannot find users by their address."""
    if not has_plain_values(_required_field()) and not is_findable():
        raise _incomparable(home())


@lru_cache(maxsize=REMEMBERED)
def lowers_capital_i(field: models.Field[Any, Any], using: str) -> bool:
    """Return whether the lowercase letter of I is i, which it is not in Turkish and Azeri.

    Costs one query in each process. Raises ImproperlyConfigured if the column cannot be lowered.
    """
    connection = connections[using]
    table = connection.ops.quote_name(field.model._meta.db_table)  # noqa: SLF001
    column = connection.ops.quote_name(str(field.column))
    # It reads no row, but uses the collation of the column.
    letter = f"COALESCE((SELECT {column} FROM {table} WHERE 1 = 0), 'I')"  # noqa: S608
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"SELECT LOWER({letter}){connection.features.bare_select_suffix}")
        except (DataError, NotSupportedError, ProgrammingError) as failure:
            raise _incomparable(using) from failure
        return bool(cursor.fetchone() == ("i",))


def home() -> str:
    """Return the alias of the database to which users are written."""
    return router.db_for_write(get_user_model())


def email_field() -> models.Field[Any, Any] | None:
    """Return the e-mail field of the user model, or None if it is not a column of a table."""
    model = get_user_model()
    name = model.get_email_field_name()
    return next((field for field in model._meta.concrete_fields if field.name == name), None)  # noqa: SLF001


def has_plain_values(field: models.Field[Any, Any]) -> bool:
    """Return whether the field stores its values unchanged. An encrypted field does not."""
    return not any(
        name in vars(base)
        for base in type(field).__mro__
        if not base.__module__.startswith("django.")
        for name in CONVERSIONS
    )


@lru_cache(maxsize=REMEMBERED)
def statement(model: type[AbstractBaseUser], using: str) -> Callable[[str], Rows] | None:
    """Return a function that executes the ORM's statement for the users with an address.

    It is cached, because building the statement takes longer than the query. Returns None if the
    ORM has to convert the key or the address.
    """
    field = _required_field()
    address = "somebody@example.com"
    rows = folded_users(using).filter(_email=address).values_list("pk", field.name)
    compiler = rows.query.get_compiler(using)
    sql, params = compiler.as_sql()
    columns = [expression for expression, *_ in compiler.select]
    converted = set(compiler.get_converters(columns))
    key = columns[0].output_field if converted == {0} else None
    if not has_plain_values(field) or (converted and type(key) is not models.UUIDField):
        return None
    before, after = params[: params.index(address)], params[params.index(address) + 1 :]

    def execute(email: str) -> Rows:
        with connections[using].cursor() as cursor:
            cursor.execute(sql, (*before, email, *after))
            rows: list[tuple[Any, Any]] = cursor.fetchall()
        return rows if key is None else [(key.to_python(pk), stored) for pk, stored in rows]

    return execute


def _keys(email: str, using: str, which: models.Q | None = None) -> list[Any]:
    try:
        return [key for key, stored in _rows(email, using, which) if is_same(stored, email)]
    except (DataError, NotSupportedError, ProgrammingError) as failure:
        raise _incomparable(using) from failure


def _rows(email: str, using: str, which: models.Q | None) -> Rows:
    execute = statement(get_user_model(), using) if which is None else None
    if execute is not None:
        return execute(email)
    users = folded_users(using).filter(which or models.Q(), _email=email)
    return users.values_list("pk", _required_field().name)


def _explain_absence(key: Any, email: str, using: str) -> NoReturn:
    stored = _everybody(using).filter(pk=key).values_list(_required_field().name, flat=True)
    if any(is_same(address, email) for address in stored):
        raise _incomparable(using)
    raise AccessRefused(
        "unsaved-email", gettext("The e-mail address of your account has not been saved.")
    )


def _everybody(using: str) -> Users:
    """Return all rows of the table, including those that a manager would hide."""
    return models.QuerySet(get_user_model(), using=using).order_by()


def _lower_column(field: models.Field[Any, Any]) -> Any:
    """Return the model's generated column for the query, which MariaDB needs."""
    columns: Iterable[Any] = field.model._meta.local_concrete_fields  # noqa: SLF001
    generated: list[Any] = [one for one in columns if isinstance(one, models.GeneratedField)]
    return next((one for one in generated if _is_lower([one.expression], field)), None)


def _required_field() -> models.Field[Any, Any]:
    field = email_field()
    if field is None:
        raise ImproperlyConfigured(NOT_A_COLUMN)
    return field


def _is_lower(expressions: Sequence[Any], field: models.Field[Any, Any]) -> bool:
    if len(expressions) != 1 or not isinstance(expressions[0], Lower):
        return False
    return bool(expressions[0].get_source_expressions()[0] == models.F(field.name))


def _incomparable(using: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{INCOMPARABLE} (DATABASES[{using!r}])")
