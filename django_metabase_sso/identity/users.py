"""Finds users: the one that an operator names, and those who have an e-mail address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from django_metabase_sso.exceptions import AccessRefused
from django_metabase_sso.identity import uniqueness
from django_metabase_sso.identity.emails import canonical_email

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

MOST_NAMED = 10


class NotOnePerson(LookupError):
    """No user, or several; the text says which keys they have."""


def find_user(text: str) -> AbstractBaseUser:
    """Return the one user, active or not, with this e-mail address, username or primary key.

    `pk=7` looks for the key alone. Raises NotOnePerson.
    """
    model = get_user_model()
    key = text.removeprefix("pk=")
    named = _by_key(key)
    if key == text:
        named |= Q(**{model.USERNAME_FIELD: text})
        field = uniqueness.email_field()
        if field is not None:
            named |= Q(**{f"{field.name}__iexact": text})
    found = list(model._base_manager.filter(named).order_by("pk")[: MOST_NAMED + 1])  # noqa: SLF001
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotOnePerson(f"No user has the e-mail address, username or key {text!r}.")
    keys = ", ".join(f"pk={user.pk}" for user in found[:MOST_NAMED])
    more = ", and more" if len(found) > MOST_NAMED else ""
    raise NotOnePerson(f"{text!r} is several users; name one by its key: {keys}{more}.")


def users_by_email(emails: Iterable[str]) -> dict[str, list[AbstractBaseUser]]:
    """Return the users, active or not, who have these canonical addresses, by address. One query.

    An address that no user has is not in the result.
    """
    found: defaultdict[str, list[AbstractBaseUser]] = defaultdict(list)
    wanted = set(emails)
    model = get_user_model()
    table: QuerySet[Any] = QuerySet(model)  # no manager, which could hide some of the rows
    rows = table.alias(_address=Lower(model.get_email_field_name())).filter(_address__in=wanted)
    for user in rows:
        try:
            email = canonical_email(user)
        except AccessRefused:
            continue
        if email in wanted:
            found[email].append(user)
    return dict(found)


def _by_key(text: str) -> Q:
    key = get_user_model()._meta.pk  # noqa: SLF001
    try:
        return Q(pk=key.to_python(text))
    except (ValidationError, ValueError):
        return Q(pk__in=[])
