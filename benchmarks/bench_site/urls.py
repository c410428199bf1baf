"""The address of one variant, in a URLconf that is included, as an app's is."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from bench_site import views
from bench_site.settings import VARIANT

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("usage", views.usage),
]
own: list[Any] = []
if VARIANT == "ours":
    urlpatterns.append(path("sso/", include("django_metabase_sso.urls")))
elif VARIANT == "handwritten":
    own = [path("metabase", views.handwritten)]
elif VARIANT == "handwritten async":
    own = [path("metabase", views.handwritten_async)]
elif VARIANT == "rest":
    from bench_site.rest import TokenView

    own = [path("metabase", TokenView.as_view())]
else:
    from rest_framework_simplejwt.views import TokenRefreshView

    own = [path("refresh", TokenRefreshView.as_view())]
if own:
    urlpatterns.append(path("sso/", include((own, "own"))))
