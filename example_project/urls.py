"""The URLs of the example site."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from example_project.pages import views

urlpatterns = [
    path("", views.start, name="start"),
    path("fetch/", views.page, {"name": "fetch"}, name="fetch"),
    path("components/", views.components, name="components"),
    path("frame/", views.page, {"name": "frame"}, name="frame"),
    path("guests/", views.guests, name="guests"),
    path("strict/", views.strict, name="strict"),
    path("signed-out/", views.page, {"name": "signed_out"}, name="signed-out"),
    path("link/", views.page, {"name": "link"}, name="link"),
    path("login/", LoginView.as_view(template_name="pages/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("hijack/", include("hijack.urls")),
    path("sso/", include("django_metabase_sso.urls")),
]
if settings.DEBUG:  # a real site must not have these URLs
    urlpatterns += [
        path("sign-in-as/<str:username>/", views.sign_in_as, name="sign-in-as"),
        path("refusals/", views.refusals, name="refusals"),
        path("refusals/<slug:code>/", views.refusal, name="refusal"),
    ]
