"""One address for each variant, each in a URLconf that is included, as an app's is."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from bench_site import views
from bench_site.settings import VARIANT

handwritten = [path("metabase", views.handwritten)]
bare = [path("metabase", views.bare)]

urlpatterns: list[URLPattern | URLResolver] = [path("usage", views.usage)]
if VARIANT in ("all", "ours"):
    urlpatterns.append(path("sso/", include("django_metabase_sso.urls")))
if VARIANT in ("all", "handwritten"):
    urlpatterns.append(path("handwritten/", include((handwritten, "handwritten"))))
if VARIANT in ("all", "bare"):
    urlpatterns.append(path("bare/", include((bare, "bare"))))
if VARIANT == "rest":
    from bench_site.rest import TokenView

    rest = [path("metabase", TokenView.as_view())]
    urlpatterns.append(path("rest/", include((rest, "rest"))))
if VARIANT == "simplejwt":
    from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

    simplejwt = [
        path("obtain", TokenObtainPairView.as_view()),
        path("refresh", TokenRefreshView.as_view()),
    ]
    urlpatterns.append(path("simplejwt/", include((simplejwt, "simplejwt"))))
