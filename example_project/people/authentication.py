"""AUTHENTICATE, for front ends that send a header instead of a session cookie."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from example_project.people.models import Person

SALT = "example_project.bearer"
LIFETIME = 3600  # seconds


def header_for(person: Person) -> str:
    """Return an `Authorization` header for the user, which is valid for an hour."""
    return f"Bearer {signing.dumps(person.pk, salt=SALT)}"


def by_header(request: HttpRequest) -> Person | AnonymousUser | None:
    """Return the user of the `Authorization` header.

    Without the header, return None: the session then decides.
    With `Guest`, the user is anonymous, even if the session has a user. Raises PermissionDenied if
    the header is not valid.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return None
    if header == "Guest":
        return AnonymousUser()
    try:
        pk = signing.loads(header.removeprefix("Bearer "), salt=SALT, max_age=LIFETIME)
        return Person.objects.get(pk=pk)
    except (signing.BadSignature, Person.DoesNotExist):
        raise PermissionDenied("The Authorization header is not valid.") from None
