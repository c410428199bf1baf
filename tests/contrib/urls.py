from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django_otp.views import LoginView

from tests.urls import urlpatterns as plain


def profile(request: HttpRequest) -> HttpResponse:
    """Where a project lets people write what they like into their account's e-mail address."""
    assert isinstance(request.user, User)
    request.user.email = request.POST["email"]
    request.user.save()
    return HttpResponse("saved")


urlpatterns = [
    *plain,
    path("accounts/", include("allauth.urls")),
    path("rest/", include("dj_rest_auth.urls")),
    path("profile/", profile),
    path("loginas/", include("loginas.urls")),
    path("su/", include("django_su.urls")),
    path("second-factor/", LoginView.as_view(template_name="login.html")),
]
