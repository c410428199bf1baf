"""Include these URLs with `path("sso/", include("django_metabase_sso.urls"))`."""

from __future__ import annotations

from django.urls import re_path

from django_metabase_sso.views import GuestTokenView, SSOView

app_name = "metabase_sso"
# With and without a trailing slash: a redirect from one to the other would break CORS.
urlpatterns = [
    re_path(r"^metabase/?$", SSOView.as_view(), name="sso"),
    re_path(r"^metabase/guest-token/?$", GuestTokenView.as_view(), name="guest_token"),
]
