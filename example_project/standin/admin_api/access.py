"""Who may use the administrator's API, and on which Metabase it is there."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from example_project.standin import responses
from example_project.standin.state import instance
from example_project.standin.versions import Version

View = Callable[..., HttpResponse]
PAID = "This feature is a paid feature not currently available to your instance."


class Missing(Exception):
    """There is no such thing: 404."""


class BadRequest(Exception):
    """An answer of 400 with this text."""


def administrators(
    *methods: str,
    since: Callable[[Version], bool] = lambda version: True,
    is_paid: bool = False,
) -> Callable[[View], View]:
    """Return a decorator for a view of the administrator's API.

    Nobody, and a key that is unknown: 401. Somebody else, and a key of another group: 403. A
    version without this endpoint: 404. A plan without it: 402.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, **arguments: Any) -> HttpResponse:
            if not since(instance.version):
                return responses.missing("API endpoint does not exist.")
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            account = responses.account_of(request)
            if account is None:
                return responses.unauthenticated()
            if not account.is_superuser:
                text = "You don't have permissions to do that."
                return HttpResponse(text, status=403, content_type="text/plain")
            if is_paid and not instance.is_licensed:
                kind = "error-premium-feature-not-available"
                return responses.json({"status": kind, "message": PAID}, status=402)
            try:
                return view(request, **arguments)
            except Missing:
                return responses.missing()
            except BadRequest as problem:
                return responses.json({"message": str(problem)}, status=400)

        return checked

    return decorate


def body_of(request: HttpRequest, known: Collection[str]) -> dict[str, Any]:
    """Return the known keys of a JSON object, or raise BadRequest; no body is an empty one."""
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise BadRequest("The body is not a JSON object.")
    return {key: value for key, value in body.items() if key in known}
