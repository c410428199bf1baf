"""One address for each variant, each in a URLconf that is included, as an app's is."""

from __future__ import annotations

from django.urls import include, path

from bench_site import views

handwritten = [path("metabase", views.handwritten)]
bare = [path("metabase", views.bare)]

urlpatterns = [
    path("sso/", include("django_metabase_sso.urls")),
    path("handwritten/", include((handwritten, "handwritten"))),
    path("bare/", include((bare, "bare"))),
    path("cpu", views.cpu),
]
