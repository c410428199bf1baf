"""What the package's view is compared with."""

from __future__ import annotations

import time

import jwt
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache


@never_cache
def handwritten(request: HttpRequest) -> JsonResponse:
    """Answer with a token: the shortest correct view for Django's own user model."""
    user = request.user
    if not user.is_authenticated:
        return JsonResponse({"error": "not authenticated"}, status=401)
    now = int(time.time())
    claims = {
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "iat": now,
        "exp": now + 600,
    }
    return JsonResponse(
        {"jwt": jwt.encode(claims, settings.METABASE_SSO["JWT_SHARED_SECRET"], "HS256")}
    )


def bare(request: HttpRequest) -> JsonResponse:
    """Answer without a token: session, user and JSON, which no view can do without."""
    return JsonResponse({"signed_in": request.user.is_authenticated})


def cpu(request: HttpRequest) -> JsonResponse:
    """Answer with the CPU time that this worker has used, in seconds. Not measured itself."""
    return JsonResponse({"seconds": time.process_time()})
