"""The same with Django REST framework, and what SimpleJWT needs to send the same claims."""

from __future__ import annotations

from typing import Any

from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer

from bench_site.views import groups_of, signed


@method_decorator(never_cache, name="dispatch")
class TokenView(APIView):  # type: ignore[misc]
    """Signs the session's user in."""

    authentication_classes = (SessionAuthentication,)
    permission_classes = (IsAuthenticated,)
    renderer_classes = (JSONRenderer,)

    def get(self, request: Request) -> Response:
        """Answer with a token."""
        return Response({"jwt": signed(request.user, groups_of(request.user))})


class WithClaims(TokenObtainPairSerializer):
    """SimpleJWT's own, with our claims; a refreshed token copies them."""

    @classmethod
    def get_token(cls, user: Any) -> Any:
        """Return the refresh token, which makes the access token."""
        token = super().get_token(user)
        names = {"first_name": user.first_name, "last_name": user.last_name}
        token.payload.update({"email": user.email, **names, "groups": groups_of(user)})
        return token
