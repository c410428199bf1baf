from __future__ import annotations

from django.contrib.auth.models import User
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse
from django.urls import path

from django_metabase_sso.client.sessions import Store
from django_metabase_sso.conf.secrets import Secret


def asks_the_cache(request: HttpRequest) -> HttpResponse:
    """What each call of the client does before it is sent; and then the page goes on."""
    assert isinstance(request.user, User)
    store = Store(request.user, request, None)
    grant, session = store.find()
    store.keep(grant, store.begin(grant), Secret(b"a session"))
    return HttpResponse(f"{session} {User.objects.count()}")


urlpatterns = [
    path("logout/", LogoutView.as_view(next_page="/")),
    path("report/", asks_the_cache),
]
