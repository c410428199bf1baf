"""Metabase's paths, and the stand-in's own below /standin/."""

from __future__ import annotations

from django.urls import path, re_path

from example_project.standin import api, control, pages, sso

urlpatterns = [
    path("auth/sso", sso.sso),
    path("auth/sso/to_session", sso.to_session),
    path("auth/logout", sso.logout),
    path("api/health", api.health),
    path("api/user/current", api.current_user),
    path("api/session", api.session),
    path("api/session/properties", api.properties),
    path("api/dashboard", api.dashboards),
    re_path(r"^api/(?P<rest>.*)$", api.unknown),
    path("standin/settings", control.configuration),
    path("standin/state", control.state),
    path("standin/reset", control.reset),
    re_path(r"^(?P<path>(?:app|auth|embed|public|standin)/.*|favicon\.ico)$", pages.nothing),
    re_path(r"^(?P<path>.*)$", pages.page),
]
