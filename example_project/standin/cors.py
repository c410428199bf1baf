"""CORS for the embedding SDK, and who may show the pages in a frame."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from example_project.standin.conf import conf

# Metabase lets every port of localhost in, whatever the CORS setting says.
LOCALHOST = re.compile(r"https?://localhost(:\d+)?")
PATHS = ("/api/", "/auth/")
# What the SDK's preflights ask for. Metabase's own answer is `*`.
ALLOW_HEADERS = (
    "Accept, Authorization, Content-Type, X-Metabase-Anti-CSRF-Token, X-Metabase-Client, "
    "X-Metabase-Client-Version, X-Metabase-Embedded, X-Metabase-Locale, "
    "X-Metabase-SDK-JWT-Hash, X-Metabase-Session"
)
EXPOSE_HEADERS = "X-Metabase-Anti-CSRF-Token, X-Metabase-Version"


def is_allowed(origin: str) -> bool:
    """Whether pages of this origin may call Metabase: compared exactly."""
    return origin in conf.embedding_origins or bool(LOCALHOST.fullmatch(origin))


def frame_ancestors() -> str:
    """Return the directive for full-app embedding."""
    return " ".join(["frame-ancestors 'self'", *conf.embedding_origins])


class CorsMiddleware:
    """Answers preflights, and marks every answer, of the paths that SDKs call.

    Without credentials: the SDK sends its session in a header, never as a cookie.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PATHS):
            return self.get_response(request)
        origin = request.headers.get("Origin")
        asked = request.headers.get("Access-Control-Request-Method")
        is_preflight = request.method == "OPTIONS" and bool(origin and asked)
        response = HttpResponse() if is_preflight else self.get_response(request)
        patch_vary_headers(response, ["Origin"])
        if origin and is_allowed(origin):
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Expose-Headers"] = EXPOSE_HEADERS
            if is_preflight:
                response["Access-Control-Allow-Headers"] = ALLOW_HEADERS
                response["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE"
                response["Access-Control-Max-Age"] = "60"
        return response
