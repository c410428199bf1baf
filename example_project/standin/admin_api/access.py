"""Access to the API for administrators, by account, version and plan."""

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
    """What the request names does not exist: 404."""


class BadRequest(Exception):
    """The request is not valid: 400 with this message."""


def administrators(
    *methods: str,
    since: Callable[[Version], bool] = lambda version: True,
    is_paid: bool = False,
) -> Callable[[View], View]:
    """Return a decorator for a view of the administrator's API.

    It answers 401 without an account or with an unknown key, 403 if the account or key does not
    belong to an administrator, 404 if the version does not have the endpoint, and 402 if the plan
    does not include it.
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
    """Return the known keys of the JSON object in the body ({} if it is empty).

    Raises BadRequest if the body is not a JSON object.
    """
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise BadRequest("The body is not a JSON object.")
    return {key: value for key, value in body.items() if key in known}
