"""The URLs of Metabase, and those of the stand-in itself below /standin/."""

from __future__ import annotations

from django.urls import path, re_path

from example_project.standin import agent, api, control, embeds, pages, sso
from example_project.standin.admin_api import sessions, settings, tenants, users

KIND = "(?P<kind>dashboard|question)"
urlpatterns = [
    path("auth/sso", sso.sso),
    path("auth/sso/to_session", sso.to_session),
    path("auth/logout", sso.logout),
    path("api/health", api.health),
    path("api/user/current", api.current_user),
    path("api/session", api.end_session),
    path("api/session/properties", api.properties),
    path("api/dashboard", api.dashboards),
    path("api/setting", settings.listed),
    path("api/setting/<str:key>", settings.change),
    path("api/user", users.listed),
    path("api/user/<int:number>", users.one),
    path("api/user/<int:number>/reactivate", users.reactivate),
    path("api/permissions/group", users.groups),
    path("api/ee/session-management", sessions.listed),
    path("api/ee/session-management/revoke", sessions.revoke),
    path("api/ee/tenant", tenants.tenants),
    path("api/ee/tenant/<int:number>", tenants.one),
    path("api/standin/item", embeds.account_item),
    re_path(rf"^api/embed/{KIND}/(?P<token>[^/]*)$", embeds.guest_item),
    path("api/agent/v1/ping", agent.ping),
    re_path(r"^api/(?P<rest>.*)$", api.unknown),
    path("app/embed.js", embeds.script, {"name": "embed.js"}),
    path("app/frame.js", embeds.script, {"name": "frame.js"}),
    path("app/logout.js", embeds.script, {"name": "logout.js"}),
    path("embed/sdk/v1", embeds.frame),
    re_path(rf"^embed/{KIND}/(?P<token>[^/]*)$", embeds.static_embed),
    path("standin/settings", control.configuration),
    path("standin/state", control.state),
    path("standin/accounts", control.accounts),
    path("standin/reset", control.reset),
    re_path(r"^(?P<path>(?:app|auth|embed|public|standin)/.*|favicon\.ico)$", pages.nothing),
    re_path(r"^(?P<path>.*)$", pages.page),
]
