"""The views of the example site."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from django_metabase_sso.csp import csp_sources
from example_project.pages.refusals import BACKEND, CASES, ask, case_of
from example_project.people.cast import CAST, PASSWORD
from example_project.people.models import Person


def start(request: HttpRequest) -> HttpResponse:
    """The first page: what this is, and who can be signed in."""
    people = {person.username: person for person in Person.objects.prefetch_related("groups")}
    # In production nobody is introduced, least of all with a password.
    cast = [(role, people.get(role.username)) for role in CAST] if settings.DEBUG else []
    return _page(request, "start", cast=cast, password=PASSWORD)


def page(request: HttpRequest, name: str) -> HttpResponse:
    """A way to embed."""
    return _page(request, name)


def components(request: HttpRequest) -> HttpResponse:
    """Web components; `city` in the query is a value that anybody can choose."""
    filters = {"city": request.GET.get("city", "Oslo")}
    has_api_key = settings.METABASE_SSO["DEVELOPMENT_API_KEY"] is not None
    return _page(request, "components", filters=filters, has_api_key=has_api_key)


def guests(request: HttpRequest) -> HttpResponse:
    """Guest embeds: two customers side by side, and one's own."""
    customers = [("acme", {"region": "west"}), ("globex", {"region": "south"})]
    return _page(request, "guests", customers=customers)


def strict(request: HttpRequest) -> HttpResponse:
    """The same components under a policy that lets nothing inline run.

    Here for one page; a site has it in SECURE_CSP (Django 6), or in django-csp's setting.
    """
    policy = {"default-src": ["'self'"], "base-uri": ["'none'"], **csp_sources()}
    text = "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items())
    response = _page(request, "strict", policy=text)
    response["Content-Security-Policy"] = text
    return response


def refusals(request: HttpRequest) -> HttpResponse:
    """The ways to be refused."""
    return _page(request, "refusals", cases=CASES)


def refusal(request: HttpRequest, code: str) -> HttpResponse:
    """One way to be refused, and what the endpoint answers."""
    case = case_of(code)
    if case is None:
        raise Http404
    fetched, visited = ask(case, request.get_host())
    return _page(request, "refusal", case=case, fetched=fetched, visited=visited, cases=CASES)


@require_POST
def sign_in_as(request: HttpRequest, username: str) -> HttpResponse:
    """Sign in without a password: for the demo alone, which has no real people."""
    person = get_object_or_404(Person, username=username)
    login(request, person, backend=BACKEND)  # type: ignore[arg-type]
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}):
        target = "start"
    return redirect(target)


def _page(request: HttpRequest, name: str, **context: object) -> HttpResponse:
    instance = settings.METABASE_SSO["INSTANCE_URL"]
    return render(request, f"pages/{name}.html", {"instance": instance, "here": name, **context})
