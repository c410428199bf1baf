"""`/auth/*`: signing in and out."""

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
from example_project.standin.refusals import SWITCHES, Refused
from example_project.standin.reports import How
from example_project.standin.responses import COOKIE
from example_project.standin.sign_in import sign_in
from example_project.standin.state import instance
from example_project.standin.tokens import verify

SAML_PROVIDER = "https://saml.example.com/sso"
PAID = "JWT-based authentication is a paid feature not currently available to your instance."


@require_http_methods(["GET", "POST"])
def sso(request: HttpRequest) -> HttpResponse:
    """Answer `/auth/sso`: JSON for embeds, which send a header, and redirects for browsers.

    An embed asks where to get a token, and sends it in the query, or since 2026 in a POST
    (metabase/metabase#72798, #73462).
    """
    is_embed = "X-Metabase-Client" in request.headers
    try:
        if request.method == "POST":
            return _posted(request)
        return _embed(request) if is_embed else _navigation(request)
    except Refused as refused:
        if request.method == "POST":
            return responses.error_page(request, refused)
        if responses.is_for_a_person(request):
            return responses.help_page(request, refused)
        return responses.refusal(request, refused)


@require_POST
def to_session(request: HttpRequest) -> HttpResponse:
    """Answer `/auth/sso/to_session`: a session for a server (metabase/metabase#61540)."""
    try:
        check_enabled("JWT authentication is not enabled", kind="")
        session, _ = _signed_in(_posted_token(request), "to_session")
    except Refused as refused:
        return responses.refusal(request, refused)
    return responses.json({"session_token": session})


@require_GET
def logout(request: HttpRequest) -> HttpResponse:
    """Answer `/auth/logout`: a page whose script ends the session of the browser."""
    return responses.html(request, "signing_out.html", {})


def check_enabled(
    text: str = "SSO has not been enabled and/or configured", *, kind: str = "error-sso-disabled"
) -> None:
    """Refuse to sign in if JWT is off in Metabase or not included in the license."""
    if not instance.is_licensed:
        raise Refused(PAID, 402, kind="error-premium-feature-not-available")
    if not instance.configuration["jwt-enabled"]:
        raise Refused(text, 400, kind=kind)


def _embed(request: HttpRequest) -> HttpResponse:
    """Tell an embed where to get a token, or exchange its token for a session."""
    if "jwt" not in request.GET:
        return _discovery(request)
    check_enabled()
    if instance.version.wants_hash:
        sent = request.headers.get("X-Metabase-SDK-JWT-Hash", "")
        if sent != instance.sdk_hash:
            _signed_in(request.GET["jwt"], "GET")  # Metabase signs in before it checks the hash
            return _discovery(request)
    return _session(request, request.GET["jwt"], "GET")


def _posted(request: HttpRequest) -> HttpResponse:
    """Exchange a token in a POST for a session."""
    check_enabled()
    if not instance.version.takes_post:
        raise Refused("POST not valid for JWT SSO requests", 501, kind="error-post-jwt-not-valid")
    return _session(request, _posted_token(request), "POST")


def _discovery(request: HttpRequest) -> HttpResponse:
    """Say where to get a token. If SAML is on, it comes first unless JWT is preferred."""
    prefers_jwt = request.GET.get("preferred_method") == "jwt"
    has_jwt = instance.configuration["jwt-enabled"]
    if instance.configuration["saml-enabled"] and not (has_jwt and prefers_jwt):
        return responses.json({"url": SAML_PROVIDER, "method": "saml"})
    check_enabled()
    _check_embedding(request)
    answer = {"url": identity_provider_uri(), "method": "jwt"}
    if instance.version.wants_hash:
        answer["hash"] = instance.sdk_hash
    return responses.json(answer)


def _session(request: HttpRequest, token: str, how: How) -> HttpResponse:
    """Sign in, and only then check whether this kind of embedding is on, as Metabase does."""
    session, claims = _signed_in(token, how)
    _check_embedding(request)
    times = {name: claims.get(name) for name in ("exp", "iat")}
    return responses.json({"status": "ok", "id": session, **times})


def _check_embedding(request: HttpRequest) -> None:
    """Refuse the request if its kind of embedding is off."""
    client = request.headers.get("X-Metabase-Client", "")
    if client == "embedding-sdk-react" and not instance.configuration.is_on("sdk"):
        text = "Embedding SDK for React is disabled. Enable it in the embedding settings."
    elif client == "embedding-simple" and not instance.configuration.is_on("simple"):
        text = "Embedded Analytics JS is disabled. Enable it in the embedding settings."
        if instance.version.has_modular_switch:
            text = "You need to turn on modular embedding in the embedding settings."
    else:
        return
    raise Refused(text, 402, kind=SWITCHES[client])


def _navigation(request: HttpRequest) -> HttpResponse:
    """Sign a browser in and redirect it, or redirect it to the Identity Provider.

    The Identity Provider gets only `redirect`. Without a token, `return_to` is checked in some
    versions, and then lost.
    """
    check_enabled()
    site_url = instance.configuration["site-url"] or ""
    redirect, return_to = request.GET.get("redirect"), request.GET.get("return_to")
    if "jwt" not in request.GET:
        if return_to is not None and instance.version.checks_return_to_without_token:
            check_return_to(return_to, site_url)
        return to_identity_provider(redirect)
    target = redirect if return_to is None else return_to
    if target is not None:
        check_return_to(target, site_url)
    session, _ = _signed_in(request.GET["jwt"], "navigation")
    response = found(target or "/")
    samesite = instance.configuration["session-cookie-samesite"].capitalize()
    is_secure = site_url.startswith("https:")
    response.set_cookie(COOKIE, session, httponly=True, samesite=samesite, secure=is_secure)
    return response


def _signed_in(token: str, how: How) -> tuple[str, dict[str, Any]]:
    """Sign in; return the new session and the claims of the token."""
    claims = verify(token, instance.configuration["jwt-shared-secret"], instance.now())
    return instance.start_session(sign_in(instance, claims, how), how), claims


def _posted_token(request: HttpRequest) -> str:
    """Return the token in a body such as `{"jwt": "..."}`."""
    try:
        token = json.loads(request.body)["jwt"]
    except (ValueError, LookupError, TypeError):
        token = None
    if not isinstance(token, str):
        raise Refused("The body must be JSON with the key jwt", 400)
    return token
