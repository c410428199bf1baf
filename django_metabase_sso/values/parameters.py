"""The parameters of a guest embed: what Metabase filters by, never an open filter."""

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
    """What `ALL_ROWS` is an instance of."""

    def __repr__(self) -> str:
        return "ALL_ROWS"


# A parameter with this value shows everybody's rows, on purpose.
ALL_ROWS: Final = AllRows()


def clean_parameters(params: object) -> dict[str, Scalar | list[Scalar]]:
    """Return `params`, a mapping of names to values, as a token can hold them.

    A value is a string, number, bool, date, time, Decimal, UUID, Enum or model instance (its
    key), or a list, tuple, set or queryset of these. Raises InvalidParameter, which names the
    parameter, for everything else, and for what would switch a locked filter off and show
    everybody's rows: None, a blank text, an empty list or queryset, or one with None in it.
    `ALL_ROWS` does that on purpose (Metabase's documentation, "guest embeds": an empty list
    switches a locked filter off).
    """
    if not isinstance(params, Mapping):
        raise InvalidParameter(
            "params",
            f'{type(params).__name__} is not a mapping: write {{"region": "north"}}. In a'
            ' template, a variable that is not there is "".',
        )
    cleaned: dict[str, Scalar | list[Scalar]] = {}
    for name, value in params.items():
        if not isinstance(name, str) or not name.strip():
            raise InvalidParameter(str(name), "its name is not a string.")
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
            "an empty list would switch a locked filter off and show everybody's rows. Show no"
            " embed instead, or write tokens.ALL_ROWS if that is what you want.",
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
            "None or a blank text would show everybody's rows, or be refused by Metabase. Show no"
            " embed instead, or write tokens.ALL_ROWS if that is what you want.",
        )
    return _text(name, scalar) if isinstance(scalar, str) else scalar


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
