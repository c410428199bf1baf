"""AUTHENTICATE: for front ends that send a header in the place of a session cookie."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from example_project.people.models import Person

SALT = "example_project.bearer"
LIFETIME = 3600  # seconds


def header_for(person: Person) -> str:
    """Return the `Authorization` header that stands for the person, for an hour."""
    return f"Bearer {signing.dumps(person.pk, salt=SALT)}"


def by_header(request: HttpRequest) -> Person | AnonymousUser | None:
    """Return whom the `Authorization` header stands for; None without one, for the session's user.

    `Guest` is the anonymous user, even if the session has a user. Raises PermissionDenied for
    anything else.
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
        raise PermissionDenied("The Authorization header is not one of ours.") from None
