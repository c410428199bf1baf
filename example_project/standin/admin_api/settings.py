"""`/api/setting` lists and changes Metabase's settings."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from example_project.standin import responses
from example_project.standin.admin_api.access import BadRequest, administrators, body_of
from example_project.standin.configuration import MASK, BadConfiguration
from example_project.standin.state import instance


@administrators("GET")
def listed(request: HttpRequest) -> HttpResponse:
    """Answer `GET /api/setting`: all settings of this version, with masked secrets."""
    return responses.json(instance.configuration.listed())


@administrators("PUT")
def change(request: HttpRequest, key: str) -> HttpResponse:
    """Answer `PUT /api/setting/<key>` with `{"value": ...}`; null restores the default.

    If the environment sets the value, or a masked secret is sent back, the answer is 204 and
    nothing changes.
    """
    body = body_of(request, ["value"])
    if "value" not in body:
        raise BadRequest("The body has no value.")
    value = body["value"]
    try:
        is_masked = isinstance(value, str) and value.startswith(MASK)
        if not (instance.configuration.setting(key).is_secret and is_masked):
            instance.change({key: value})
    except BadConfiguration as problem:
        return responses.json({"message": str(problem)}, status=500)
    return HttpResponse(status=204)
