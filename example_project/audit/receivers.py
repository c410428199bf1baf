"""The receivers of the two signals."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from django.http import HttpRequest

from django_metabase_sso.conf import conf
from example_project.audit.models import MetabaseEvent


def record_issued(
    user: Any, request: HttpRequest | None, claims: Mapping[str, Any], **kwargs: Any
) -> None:
    """Write a row before the token is sent. An exception here stops the token."""
    names = conf.CLAIM_NAMES
    impersonator = kwargs["impersonator"]
    MetabaseEvent(
        code="issued",
        user=user,
        user_key=str(user.pk),
        email=claims[names["email"]],
        impersonator_key="" if impersonator is None else str(impersonator.pk),
        groups=claims.get(names["groups"]),
        ip=ip_of(request),
    ).save()


def record_refused(user: Any, request: HttpRequest | None, code: str, **kwargs: Any) -> None:
    """Write a row, but only for a known user: anybody can send a million wrong credentials."""
    if user.pk is not None:
        MetabaseEvent(code=code, user=user, user_key=str(user.pk), ip=ip_of(request)).save()


def ip_of(request: HttpRequest | None) -> str | None:
    """Return the address that Django sees, or None if there is none, as on a Unix socket."""
    text = "" if request is None else request.META.get("REMOTE_ADDR", "")
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return None
