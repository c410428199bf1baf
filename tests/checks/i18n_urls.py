"""A project whose login page is below a language."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth.views import LoginView
from django.urls import include, path

urlpatterns = [
    path("sso/", include("django_metabase_sso.urls")),
    *i18n_patterns(path("enter/", LoginView.as_view(), name="enter")),
]
