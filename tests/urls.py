from __future__ import annotations

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def other(request: HttpRequest) -> HttpResponse:
    return HttpResponse("another page of the project")


urlpatterns = [
    path("sso/", include("django_metabase_sso.urls")),
    path("login/", LoginView.as_view(template_name="login.html"), name="login"),
    path("hijack/", include("hijack.urls")),
    path("impersonate/", include("impersonate.urls")),
    path("other/", other),
]
