"""Where a project's URLs have the views of this package."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.test import Client
from django.urls import include, path, re_path, reverse, set_script_prefix, set_urlconf
from django.utils import translation
from django.views.decorators.cache import never_cache
from pytest_django import Settings

from django_metabase_sso import embeds
from django_metabase_sso.exceptions import InvalidEmbed
from django_metabase_sso.http.endpoints import kind_of, path_of, routes
from django_metabase_sso.views import GuestTokenView, SSOView
from tests.urls import other

OURS = path("sso/", include("django_metabase_sso.urls"))


class Own(SSOView):
    """A project's own sign-in view."""


class OwnGuests(GuestTokenView):
    """A project's own view for guest tokens."""


urlpatterns = [
    OURS,
    path("own/", include([path("metabase", Own.as_view())])),
]
SHOP: Any = ([path("metabase", never_cache(Own.as_view()))], "shop")


@pytest.mark.parametrize(
    ("patterns", "sso", "guest_token"),
    [
        ([OURS], "/sso/metabase", "/sso/metabase/guest-token"),
        (
            [path("a/", include(([OURS], "analytics"), namespace="b"))],
            "/a/sso/metabase",
            "/a/sso/metabase/guest-token",
        ),
        (
            [path("", include("django_metabase_sso.urls", namespace="other"))],
            "/metabase",
            "/metabase/guest-token",
        ),
        ([re_path(r"^(?:a|b)/", include([OURS]))], None, None),
        ([re_path(r"^shop/(?:old/)?", include(SHOP))], "/shop/metabase", None),
        ([path("shop/", include(SHOP)), OURS], "/shop/metabase", "/sso/metabase/guest-token"),
        ([OURS, path("shop/", include(SHOP))], "/shop/metabase", "/sso/metabase/guest-token"),
        (
            [OURS, path("guests/", OwnGuests.as_view(), name="sso")],
            "/sso/metabase",
            "/guests/",
        ),
        ([path("<slug:customer>/", include([OURS]))], None, None),
        (
            [path("<slug:customer>/", include([OURS])), path("own/", SSOView.as_view())],
            "/own/",
            None,
        ),
        ([path("metabase/", SSOView.as_view(), {"a": 1})], "/metabase/", None),
        ([path("zoë/", SSOView.as_view())], "/zo%C3%AB/", None),
        ([path("metabase/", other)], None, None),
        ([], None, None),
    ],
)
def test_paths(
    settings: Settings, patterns: list[Any], sso: str | None, guest_token: str | None
) -> None:
    settings.ROOT_URLCONF = tuple(patterns)
    assert path_of("sso") == sso
    assert path_of("guest_token") == guest_token


@pytest.mark.parametrize("default", [True, False])
def test_the_path_in_each_language(settings: Settings, default: bool) -> None:
    settings.ROOT_URLCONF = tuple(i18n_patterns(OURS, prefix_default_language=default))
    for language, prefix in (("de", "/de"), ("en-us", "/en-us" if default else ""), ("de", "/de")):
        with translation.override(language):
            assert path_of("sso") == f"{prefix}/sso/metabase"


def test_the_urlconf_of_a_request() -> None:
    """As django-hosts sets it: for the thread, while a request is answered."""
    set_urlconf("tests.http.test_endpoints")
    try:
        assert path_of("sso") == "/own/metabase"
    finally:
        set_urlconf(None)
    assert path_of("sso") == "/sso/metabase"


def test_below_a_script_prefix() -> None:
    set_script_prefix("/app/")
    try:
        assert path_of("sso") == "/app/sso/metabase" == reverse("metabase_sso:sso")
    finally:
        set_script_prefix("/")


@pytest.mark.urls(__name__)
def test_a_subclass_wins() -> None:
    found = [(route.route, route.view_name) for route in routes("sso")]
    assert found == [
        ("own/metabase", "tests.http.test_endpoints.Own"),
        ("sso/^metabase/?$", "django_metabase_sso.views.SSOView"),
    ]
    assert len(routes("guest_token")) == 1


def test_marks() -> None:
    assert kind_of(SSOView.as_view()) == kind_of(never_cache(Own.as_view())) == "sso"
    assert kind_of(OwnGuests.as_view()) == "guest_token"
    assert kind_of(Client) is None


def test_embeds_use_them(settings: Settings) -> None:
    settings.ROOT_URLCONF = (OURS, path("shop/", include(SHOP)))
    assert embeds.embed_config()["jwtProviderUri"] == "/shop/metabase"
    assert embeds.embed_url("/dashboard/1").startswith("/shop/metabase?")
    settings.ROOT_URLCONF = (path("<int:shop>/", include(SHOP)),)
    with pytest.raises(InvalidEmbed, match="must not have parameters"):
        embeds.embed_config()
