"""Pages with embeds, as a project's own templates and views would make them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.urls import include, path
from django.utils.html import escape

from django_metabase_sso.csp import csp_sources
from tests.e2e.sdk import WORKSHOP

HOSTILE = (
    """"'><script>window.hacked = 1</script><img src=x onerror="window.hacked = 2"> onclick="""
)
EVIL = '{"instanceUrl": "https://evil.example", "jwtProviderUri": "/sso/metabase"}'
REGIONS = {"ada": "north", "bob": "south"}
PAGES = {
    "components": """{% metabase_config %}
        {% metabase_dashboard 1 with_title=False initial_parameters=params %}
        {% metabase_question "new" target_collection=hostile %}
        {% metabase_browser initial_collection="root" %}{% metabase_metabot %}""",
    # Injected, by HTML that a sanitizer lets through: names and ids shadow what scripts look up.
    "clobbered": "<p>"
    + EVIL
    + "</p>"
    + "".join(
        f'<img name="{name}"><a id="{name}" data-config="{escape(EVIL)}"></a>'
        for name in "currentScript querySelectorAll body head scripts metabaseConfig"
        " addEventListener location origin".split()
    )
    + "<form id=metabaseConfig><input name=instanceUrl value=https://evil.example></form>"
    '{% metabase_config %}{% metabase_dashboard 1 title="Sales & more" %}',
    "forgotten": "{% metabase_dashboard 1 %}",
    "inline": "{% metabase_config inline=True %}{% metabase_dashboard 1 %}",
    # Injected, and harmless to every policy: it is data.
    "strict": '<script type="application/json" id="metabase-config">'
    '{"instanceUrl": "https://evil.example"}</script>'
    "{% metabase_config theme=params %}{% metabase_dashboard 1 %}"
    '{% metabase_iframe "/dashboard/1?tab=2&city=Oslo#x" title="Sales" top_nav=False %}',
    "signed": "{% metabase_config guest=True %}{% metabase_guest_dashboard 10 params=mine %}",
    "asked": "{% metabase_config guest=True %}{% metabase_guest_question 5 %}"
    '{% metabase_guest_question 5 custom_context="ada" %}',
    "static": "{% metabase_static_iframe dashboard=10 params=mine bordered=True %}",
    "signed-out": "<p>Signed out</p>{% metabase_logout %}",
}


def page(request: HttpRequest, name: str) -> HttpResponse:
    """Answer with a page for the user. `nonce` and `strict` have a policy."""
    context = {
        "request": request,
        "hostile": HOSTILE,
        "params": {"city": HOSTILE},
        "mine": {"region": REGIONS.get(str(request.user), "nowhere")},
    }
    text = "<!DOCTYPE html><title>A page</title>{% load metabase %}" + PAGES[name]
    policy = {"default-src": ["'none'"], "base-uri": ["'none'"], **csp_sources()}
    if "nonce" in request.GET:
        context["csp_nonce"] = "c29tZSBub25jZQ"
        policy["script-src"] = ["'strict-dynamic'", "'nonce-c29tZSBub25jZQ'"]
    response = HttpResponse(Template(text).render(Context(context)))
    if name in ("strict", "inline"):
        directives = (f"{name} {' '.join(sources)}" for name, sources in policy.items())
        response["Content-Security-Policy"] = "; ".join(directives)
    return response


LIBRARIES = {
    "htmx": WORKSHOP / "node_modules/htmx.org/dist/htmx.js",
    "turbo": WORKSHOP / "node_modules/@hotwired/turbo/dist/turbo.es2017-umd.js",
}
LINKS = "".join(f'<p><a href="../{name}/">{name}</a></p>' for name in ("other", *PAGES))


def swapped(request: HttpRequest, library: str, name: str) -> HttpResponse:
    """A page whose links replace the body, by htmx or Turbo; `other` has no embed."""
    context = {"request": request, "params": {}, "hostile": "root"}
    html = f"""<!DOCTYPE html><title>{name}</title><script src="/library/{library}.js"></script>
        <body hx-boost="true">{LINKS}{{% load metabase %}}{PAGES.get(name, "Nothing")}</body>"""
    return HttpResponse(Template(html).render(Context(context)))


def library(request: HttpRequest, name: str) -> HttpResponse:
    """The script of htmx or Turbo, as npm has it."""
    return HttpResponse(LIBRARIES[name].read_text(), content_type="text/javascript")


def region_of(user: Any, request: object) -> dict[str, str]:
    """Send the region of which each sees the rows."""
    return {"region": REGIONS[user.username]}


def guest_params(
    request: HttpRequest, entity_type: str, entity_id: int | str, custom_context: Any
) -> dict[str, Any] | None:
    """Let each see their own region in two items, and nobody another's."""
    region = REGIONS.get(str(request.user))
    mine = custom_context in (None, str(request.user))
    allowed = (entity_type, entity_id) in {("dashboard", 10), ("question", 5)}
    return {"region": region} if region and mine and allowed else None


class SignOut(LogoutView):
    """Ends the Django session, and shows the page that ends Metabase's."""

    next_page = "/page/signed-out/"


urlpatterns = [
    path("sso/", include("django_metabase_sso.urls")),
    path("login/", LoginView.as_view(template_name="login.html"), name="login"),
    path("logout/", SignOut.as_view()),
    path("other/", lambda request: HttpResponse(f"at {settings.ROOT_URLCONF}")),
    path("favicon.ico", lambda request: HttpResponse(content_type="image/svg+xml")),
    path("page/<slug:name>/", page),
    path("swapped/<slug:library>/<slug:name>/", swapped),
    path("library/<slug:name>.js", library),
]
