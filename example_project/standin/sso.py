"""`/auth/*`: the ways in, and the way out."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from example_project.standin import responses
from example_project.standin.redirects import (
    check_return_to,
    found,
    identity_provider_uri,
    to_identity_provider,
)
from example_project.standin.refusals import Refused
from example_project.standin.reports import How
from example_project.standin.responses import COOKIE
from example_project.standin.sign_in import sign_in
from example_project.standin.state import instance
from example_project.standin.tokens import verify

SAML_PROVIDER = "https://saml.example.com/sso"


@require_http_methods(["GET", "POST"])
def sso(request: HttpRequest) -> HttpResponse:
    """`/auth/sso`: JSON for an embed, which says so in a header; redirects for a browser.

    An embed asks where to get a token, and brings it in the query, or since 2026 in a POST
    (metabase/metabase#72798, #73462).
    """
    as_json = request.method == "POST" or "X-Metabase-Client" in request.headers
    try:
        return _embed(request) if as_json else _navigation(request)
    except Refused as refused:
        return responses.refusal(request, refused, as_json=as_json)


@require_POST
def to_session(request: HttpRequest) -> HttpResponse:
    """`/auth/sso/to_session`: a session for a server (metabase/metabase#61540)."""
    try:
        check_enabled()
        session, _ = _signed_in(_posted_token(request), "to_session")
    except Refused as refused:
        return responses.refusal(request, refused, as_json=True)
    return responses.json({"session_token": session})


@require_GET
def logout(request: HttpRequest) -> HttpResponse:
    """`/auth/logout`: end the session of the browser that loads it, in a hidden frame too."""
    instance.sessions.pop(request.COOKIES.get(COOKIE, ""), None)
    response = responses.html(request, "signed_out.html", {})
    response.delete_cookie(COOKIE, samesite="Lax")
    return response


def check_enabled() -> None:
    """Refuse every way in while JWT is off in Metabase."""
    if not instance.is_licensed:
        text = (
            "JWT-based authentication is a paid feature not currently available to your instance."
        )
        raise Refused(text, 402, "error-premium-feature-not-available")
    if not instance.configuration["jwt-enabled"]:
        raise Refused("SSO has not been enabled and/or configured", 400, "error-sso-disabled")


def _embed(request: HttpRequest) -> HttpResponse:
    """Answer where to get a token, or take one and answer with a session."""
    is_question = request.method == "GET" and "jwt" not in request.GET
    with_saml = instance.configuration["saml-enabled"] and not (
        instance.configuration["jwt-enabled"] and request.GET.get("preferred_method") == "jwt"
    )
    if not (is_question and with_saml):
        check_enabled()
    _check_embedding(request.headers.get("X-Metabase-Client", ""))
    if is_question:
        url = SAML_PROVIDER if with_saml else identity_provider_uri()
        return responses.json({"url": url, "method": "saml" if with_saml else "jwt"})
    if request.method == "GET":
        session, claims = _signed_in(request.GET["jwt"], "GET")
    else:
        session, claims = _signed_in(_posted_token(request), "POST")
    times = {name: claims.get(name) for name in ("exp", "iat")}
    return responses.json({"status": "ok", "id": session, **times})


def _check_embedding(client: str) -> None:
    """Refuse a kind of embedding that is off."""
    if client == "embedding-sdk-react" and not instance.configuration.is_on("sdk"):
        raise Refused("error-embedding-sdk-disabled", 402, "error-embedding-sdk-disabled")
    if client == "embedding-simple" and not instance.configuration.is_on("simple"):
        raise Refused("error-embedding-simple-disabled", 402, "error-embedding-simple-disabled")


def _navigation(request: HttpRequest) -> HttpResponse:
    """Sign a browser in and send it on, or send it to the identity provider."""
    check_enabled()
    site_url = instance.configuration["site-url"] or ""
    return_to = request.GET.get("return_to", request.GET.get("redirect"))
    if return_to is not None:
        check_return_to(return_to, site_url)
    if "jwt" not in request.GET:
        return to_identity_provider(return_to)
    session, _ = _signed_in(request.GET["jwt"], "navigation")
    response = found(return_to or "/")
    secure = site_url.startswith("https:")
    response.set_cookie(COOKIE, session, httponly=True, samesite="Lax", secure=secure)
    return response


def _signed_in(token: str, how: How) -> tuple[str, dict[str, Any]]:
    """Return a new session and the claims of the token."""
    claims = verify(token, instance.configuration["jwt-shared-secret"], instance.now())
    return instance.start_session(sign_in(instance, claims, how), how), claims


def _posted_token(request: HttpRequest) -> str:
    """Return the token in a body like `{"jwt": "..."}`."""
    try:
        token = json.loads(request.body)["jwt"]
    except (ValueError, LookupError, TypeError):
        token = None
    if not isinstance(token, str):
        raise Refused("The body must be JSON with the key jwt", 400)
    return token
