"""Middleware that interferes with the endpoint."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

GetResponse = Callable[[HttpRequest], HttpResponse]


def everybody_signs_in(get_response: GetResponse) -> GetResponse:
    """Redirect all requests of anonymous users to a login page."""
    return lambda request: HttpResponseRedirect("/login/")


def closed(get_response: GetResponse) -> GetResponse:
    return lambda request: HttpResponse("Closed until tomorrow.", status=503)


def no_cors_on_get(get_response: GetResponse) -> GetResponse:
    return _without_cors(get_response, "GET")


def no_cors_on_options(get_response: GetResponse) -> GetResponse:
    return _without_cors(get_response, "OPTIONS")


def no_options(get_response: GetResponse) -> GetResponse:
    """Answer preflights with the right headers and a wrong status."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.method == "OPTIONS":
            response.status_code = 405
        return response

    return middleware


def other_urls(get_response: GetResponse) -> GetResponse:
    """Replace ROOT_URLCONF, as some packages do depending on the host."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.urlconf = "tests.urls"
        return get_response(request)

    return middleware


def broken(get_response: GetResponse) -> GetResponse:
    raise RuntimeError("a middleware that cannot be made")


def _without_cors(get_response: GetResponse, method: str) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.method == method:
            del response["Access-Control-Allow-Origin"]
        return response

    return middleware
