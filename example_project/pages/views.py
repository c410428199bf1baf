"""The views of the example site."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from django_metabase_sso.csp import csp_sources
from django_metabase_sso.troubleshooting import REFUSAL_CURES
from example_project.pages.refusals import BACKEND, CASES, ask, case_of
from example_project.people.cast import CAST, PASSWORD
from example_project.people.models import Person

# The page of the documentation, in docs/, for each page of the site.
DOCS = {
    "components": "templates.md",
    "fetch": "front-ends.md",
    "frame": "templates.md",
    "guests": "guest-embeds.md",
    "link": "endpoint.md",
    "refusal": "endpoint.md",
    "refusals": "endpoint.md",
    "signed_out": "templates.md",
    "strict": "templates.md",
}


def start(request: HttpRequest) -> HttpResponse:
    """Return the first page: the people of the demo, and where to go after signing in."""
    people = {person.username: person for person in Person.objects.prefetch_related("groups")}
    # In production the page does not list users, least of all with a password.
    cast = [(role, people.get(role.username)) for role in CAST] if settings.DEBUG else []
    return _page(request, "start", cast=cast, password=PASSWORD)


def page(request: HttpRequest, name: str) -> HttpResponse:
    """Return the page with this name."""
    return _page(request, name)


def components(request: HttpRequest) -> HttpResponse:
    """Return web components with a filter, `city`, which visitors can set in the query."""
    filters = {"city": request.GET.get("city", "Oslo")}
    has_api_key = settings.METABASE_SSO["DEVELOPMENT_API_KEY"] is not None
    return _page(request, "components", filters=filters, has_api_key=has_api_key)


def guests(request: HttpRequest) -> HttpResponse:
    """Return guest embeds of two customers, and of the customer who is signed in."""
    customers = [("acme", {"region": "west"}), ("globex", {"region": "south"})]
    return _page(request, "guests", customers=customers)


def strict(request: HttpRequest) -> HttpResponse:
    """Return embeds under a policy that does not allow inline scripts.

    A real site sets the policy in SECURE_CSP (Django 6) or in django-csp's setting.
    """
    policy = {"default-src": ["'self'"], "base-uri": ["'none'"], **csp_sources()}
    text = "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items())
    response = _page(request, "strict", policy=text)
    response["Content-Security-Policy"] = text
    return response


def refusals(request: HttpRequest) -> HttpResponse:
    """Return the list of refusals."""
    return _page(request, "refusals", cases=CASES)


def refusal(request: HttpRequest, code: str) -> HttpResponse:
    """Return one refusal, with the answers of the sign-in view."""
    case = case_of(code)
    if case is None:
        raise Http404
    fetched, visited = ask(case, request.get_host())
    answers = {"fetched": fetched, "visited": visited}
    cure = REFUSAL_CURES.get(code, "")
    return _page(request, "refusal", case=case, cure=cure, cases=CASES, **answers)


@require_POST
def sign_in_as(request: HttpRequest, username: str) -> HttpResponse:
    """Sign in without a password. Only for the demo, which has no real users."""
    person = get_object_or_404(Person, username=username)
    login(request, person, backend=BACKEND)  # type: ignore[arg-type]
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}):
        target = "start"
    return redirect(target)


def _page(request: HttpRequest, name: str, **context: object) -> HttpResponse:
    instance = settings.METABASE_SSO["INSTANCE_URL"]
    common = {
        "instance": instance,
        "here": name,
        "doc": DOCS.get(name),
        "standin_settings": settings.DEMO_STANDIN_SETTINGS,  # type: ignore[misc]
    }
    return render(request, f"pages/{name}.html", {**common, **context})
