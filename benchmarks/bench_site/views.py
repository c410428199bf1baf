"""What the package's view is compared with."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import jwt
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from bench_site.settings import GROUPS


@never_cache
def handwritten(request: HttpRequest) -> JsonResponse:
    """Answer with a token: the shortest correct view for Django's own user model."""
    user = request.user
    if not user.is_authenticated:
        return JsonResponse({"error": "not authenticated"}, status=401)
    return JsonResponse({"jwt": signed(user)})


def signed(user: Any) -> str:
    """Return a token for `user`."""
    now = int(time.time())
    claims = {**claims_of(user), "iat": now, "exp": now + 600}
    return jwt.encode(claims, settings.METABASE_SSO["JWT_SHARED_SECRET"], "HS256")


def claims_of(user: Any) -> dict[str, Any]:
    """Return the claims that all variants send, but the times."""
    claims = {"email": user.email, "first_name": user.first_name, "last_name": user.last_name}
    if GROUPS:
        claims["groups"] = list(user.groups.order_by("name").values_list("name", flat=True))
    return claims


def bare(request: HttpRequest) -> JsonResponse:
    """Answer without a token: session, user and JSON, which no view can do without."""
    return JsonResponse({"signed_in": request.user.is_authenticated})


def usage(request: HttpRequest) -> JsonResponse:
    """Answer with what this worker has used: seconds of CPU time, MB of memory. Not measured."""
    [kilobytes] = re.findall(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return JsonResponse({"cpu": time.process_time(), "rss": int(kilobytes) / 1024})
