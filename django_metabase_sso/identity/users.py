"""Finds the user that an operator names on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q

from django_metabase_sso.identity import uniqueness

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


def _by_key(text: str) -> Q:
    key = get_user_model()._meta.pk  # noqa: SLF001
    try:
        return Q(pk=key.to_python(text))
    except (ValidationError, ValueError):
        return Q(pk__in=[])
