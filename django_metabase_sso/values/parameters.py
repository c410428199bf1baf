"""The parameters of a guest embed: the values that Metabase filters by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import Model, QuerySet
from django.utils import timezone

from django_metabase_sso.exceptions import InvalidParameter
from django_metabase_sso.values.scalars import Scalar, plain, unwrapped

LISTS = (list, tuple, set, frozenset, QuerySet)


class AllRows:
    """The type of `ALL_ROWS`."""

    def __repr__(self) -> str:
        return "ALL_ROWS"


# A parameter with this value shows all rows, on purpose.
ALL_ROWS: Final = AllRows()


def clean_parameters(params: object) -> dict[str, Scalar | list[Scalar]]:
    """Return `params`, a mapping of names to values, in the types that a token can hold.

    A value is a string, number, bool, date, time, Decimal, UUID, Enum or model instance (its
    primary key), or a list, tuple, set or queryset of these. Raises InvalidParameter, with the
    name of the parameter, for any other value, and for values that would switch off a locked
    filter and so show all rows: None, a blank string, an empty list or queryset, or a list with
    None in it. `ALL_ROWS` shows all rows on purpose (Metabase's documentation, "guest embeds": an
    empty list switches off a locked filter).
    """
    if not isinstance(params, Mapping):
        raise InvalidParameter(
            "params",
            f'{type(params).__name__} is not a mapping: write {{"region": "north"}}. In a'
            ' template, a variable that does not exist is "".',
        )
    cleaned: dict[str, Scalar | list[Scalar]] = {}
    for name, value in params.items():
        if not isinstance(name, str) or not name.strip():
            raise InvalidParameter(str(name), "its name must be a string that is not blank.")
        cleaned[_text(name, name)] = _clean(name, value)
    return cleaned


def _clean(name: str, value: object) -> Scalar | list[Scalar]:
    if value is ALL_ROWS:
        return []
    if not isinstance(value, LISTS):
        return _scalar(name, value)
    values = [_scalar(name, entry) for entry in value]
    if not values:
        raise InvalidParameter(
            name,
            "an empty list would switch off a locked filter and show all rows. Show no embed"
            " instead, or pass tokens.ALL_ROWS if you want to show all rows.",
        )
    return sorted(values, key=str) if isinstance(value, set | frozenset) else values


def _scalar(name: str, value: Any) -> Scalar:
    value = unwrapped(value.pk if isinstance(value, Model) else value)
    if isinstance(value, datetime):
        value = _moment(name, value)
    try:
        scalar = plain(value)
    except ValueError as problem:
        raise InvalidParameter(name, str(problem)) from None
    if scalar is None or (isinstance(scalar, str) and not scalar.strip()):
        raise InvalidParameter(
            name,
            "None or a blank string would show all rows, or Metabase would refuse it. Show no"
            " embed instead, or pass tokens.ALL_ROWS if you want to show all rows.",
        )
    return _text(name, scalar) if isinstance(scalar, str) else scalar


def _text(name: str, value: str) -> str:
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidParameter(name, "contains half of a surrogate pair.")
    return value


def _moment(name: str, value: datetime) -> str:
    """Return the time in Django's current time zone: times in Metabase have no offset."""
    if timezone.is_aware(value):
        try:
            value = timezone.make_naive(value)
        except OverflowError:  # datetime.max in a time zone further west
            problem = "in Django's time zone it is before the year 1 or after 9999."
            raise InvalidParameter(name, problem) from None
    return value.replace(microsecond=0).isoformat()
