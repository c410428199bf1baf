"""The parameters of a guest embed: what Metabase filters by, never an open filter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.functional import Promise

from django_metabase_sso.exceptions import InvalidParameter
from django_metabase_sso.values.attributes import is_writable

Value = str | int | float
LISTS = (list, tuple, set, frozenset, QuerySet)


class AllRows:
    """What `ALL_ROWS` is an instance of."""

    def __repr__(self) -> str:
        return "ALL_ROWS"


# A parameter with this value shows everybody's rows, on purpose.
ALL_ROWS: Final = AllRows()


def clean_parameters(params: object) -> dict[str, Value | list[Value]]:
    """Return `params`, a mapping of names to values, as a token can hold them.

    A value is a text, number, bool, date, time, Decimal, UUID, Enum or model instance (its key),
    or a list, tuple, set or queryset of these. Raises InvalidParameter, which names the parameter,
    for everything else, and for what would switch a locked filter off and show everybody's rows:
    None, a blank text, an empty list or queryset, or one with None in it. `ALL_ROWS` does that on
    purpose (Metabase's documentation, "guest embeds": an empty list switches a locked filter off).
    """
    if not isinstance(params, Mapping):
        raise InvalidParameter(
            "params",
            f'{type(params).__name__} is no mapping of names: write {{"region": "north"}}. In a'
            ' template, a variable that is not there is "".',
        )
    cleaned: dict[str, Value | list[Value]] = {}
    for name, value in params.items():
        if not isinstance(name, str) or not name.strip():
            raise InvalidParameter(str(name), "its name is no text.")
        cleaned[_text(name, name)] = _clean(name, value)
    return cleaned


def _clean(name: str, value: object) -> Value | list[Value]:
    if value is ALL_ROWS:
        return []
    if not isinstance(value, LISTS):
        return _scalar(name, value)
    values = [_scalar(name, entry) for entry in value]
    if not values:
        raise InvalidParameter(
            name,
            "an empty list would switch a locked filter off and show everybody's rows. Show no"
            " embed instead, or write guest.ALL_ROWS if that is what you want.",
        )
    return sorted(values, key=str) if isinstance(value, set | frozenset) else values


def _scalar(name: str, value: Any) -> Value:
    if isinstance(value, Model):
        value = value.pk
    if isinstance(value, Enum):
        value = value.value
    if value is None or (isinstance(value, str | Promise) and not str(value).strip()):
        raise InvalidParameter(
            name,
            "None or a blank text would show everybody's rows, or be refused by Metabase. Show no"
            " embed instead, or write guest.ALL_ROWS if that is what you want.",
        )
    if isinstance(value, str | Promise):
        return _text(name, str(value))
    if isinstance(value, int | float | Decimal) and not is_writable(value):
        raise InvalidParameter(name, "a number must be finite, and not of thousands of digits.")
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return _moment(name, value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise InvalidParameter(
        name, f"{type(value).__name__} is no text, number, bool, date or UUID, or list of these."
    )


def _text(name: str, value: str) -> str:
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidParameter(name, "has half a surrogate pair.")
    return value


def _moment(name: str, value: datetime) -> str:
    """Return the time on the clock of Django's current time zone: Metabase's have no offset."""
    if timezone.is_aware(value):
        try:
            value = timezone.make_naive(value)
        except OverflowError:  # datetime.max, a little further west
            problem = "in Django's time zone it is before the year 1 or after 9999."
            raise InvalidParameter(name, problem) from None
    return value.replace(microsecond=0).isoformat()
