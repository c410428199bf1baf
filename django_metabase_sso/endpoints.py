"""What the package's own paths have in common: their marks, and who may ask from where."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest
from django.views import View

from django_metabase_sso import origins
from django_metabase_sso.conf import conf
from django_metabase_sso.signals import logger

# What Django answers with a page and a status of its own, when a project's callable raises it.
PAGE_EXCEPTIONS = (BadRequest, Http404, PermissionDenied, SuspiciousOperation)


class Endpoint(View):
    """A view of ours, with the marks that middleware looks for.

    `LoginRequiredMiddleware` leaves it alone, CSRF protection lets a POST through to it, and
    `SSOCorsMiddleware` knows it for ours.
    """

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view: Any = super().as_view(**initkwargs)
        view.login_required = False
        view.csrf_exempt = True
        view.metabase_sso = True
        return view


def is_origin_allowed(request: HttpRequest) -> bool:
    """Whether the request has no `Origin`, or that of this site or one in ALLOWED_ORIGINS."""
    allowed = conf.ALLOWED_ORIGINS
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None or origins.matches_any(origin, allowed):
        return True
    own = f"{request.scheme}://{request.get_host()}"
    if origin == own:
        return True
    logger.warning(
        "Origin %.100r is neither this site's (%s) nor in ALLOWED_ORIGINS.",
        origin,
        own,
        extra={"code": "origin-not-allowed", "user_id": None},
    )
    return False
