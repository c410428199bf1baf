"""What the package's view is compared with: a view as a careful developer writes it."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

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
    return JsonResponse({"jwt": signed(user, groups_of(user))})


@never_cache
async def handwritten_async(request: HttpRequest) -> JsonResponse:
    """Answer with a token, as `handwritten` does."""
    user = await request.auser()
    if not user.is_authenticated:
        return JsonResponse({"error": "not authenticated"}, status=401)
    groups = [name async for name in user.groups.values_list("name", flat=True)]
    return JsonResponse({"jwt": signed(user, groups)})


def signed(user: Any, groups: list[str]) -> str:
    """Return a token for `user`."""
    now = int(time.time())
    claims = {
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "groups": groups,
        "iat": now,
        "exp": now + 600,
    }
    return jwt.encode(claims, settings.METABASE_SSO["JWT_SHARED_SECRET"], "HS256")


def groups_of(user: Any) -> list[str]:
    """Return the names of the user's groups."""
    return list(user.groups.values_list("name", flat=True))


def usage(request: HttpRequest) -> JsonResponse:
    """Answer with this worker's process id and memory in MB. Not measured."""
    [kilobytes] = re.findall(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return JsonResponse({"pid": os.getpid(), "rss": int(kilobytes) / 1024})
