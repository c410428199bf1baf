"""Finds users by what an operator typed, or by their e-mail addresses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from django_metabase_sso.identity import uniqueness
from django_metabase_sso.identity.emails import is_same

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

MOST_NAMED = 10


class NotOnePerson(LookupError):
    """No user or several users were found; the message lists their primary keys."""


def find_user(text: str) -> AbstractBaseUser:
    """Return the one user, active or not, with this e-mail address, username or primary key.

    `pk=7` looks only for the primary key. Raises NotOnePerson.
    """
    model = get_user_model()
    key = text.removeprefix("pk=")
    named = _by_key(key)
    if key == text:
        named |= Q(**{model.USERNAME_FIELD: text})
        field = uniqueness.email_field()
        if field is not None:
            named |= Q(**{f"{field.name}__iexact": text})
    everybody: QuerySet[Any] = QuerySet(model)  # a manager could hide some
    found = list(everybody.filter(named).order_by("pk")[: MOST_NAMED + 1])
    if len(found) == 1:
        user: AbstractBaseUser = found[0]
        return user
    if not found:
        raise NotOnePerson(f"No user has the e-mail address, username or key {text!r}.")
    keys = ", ".join(f"pk={user.pk}" for user in found[:MOST_NAMED])
    more = ", and more" if len(found) > MOST_NAMED else ""
    raise NotOnePerson(f"Several users match {text!r}. Choose one by its key: {keys}{more}.")


def users_by_email(emails: Iterable[str]) -> dict[str, list[AbstractBaseUser]]:
    """Return the users, active or not, with these canonical addresses, by address. One query.

    The result does not contain addresses without a user. Raises ImproperlyConfigured if the
    database cannot search by address: with an encrypted column, it would find no user.
    """
    uniqueness.require_comparable()
    found: defaultdict[str, list[AbstractBaseUser]] = defaultdict(list)
    wanted = set(emails) - {""}
    for user in uniqueness.folded_users(uniqueness.home()).filter(_email__in=wanted):
        stored = getattr(user, user.get_email_field_name())
        email = stored.lower()
        if email in wanted and is_same(stored, email):
            found[email].append(user)
    return dict(found)


def _by_key(text: str) -> Q:
    key = get_user_model()._meta.pk  # noqa: SLF001
    try:
        return Q(pk=key.to_python(text))
    except (ValidationError, ValueError):
        return Q(pk__in=[])
