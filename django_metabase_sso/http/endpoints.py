"""The views of this package: their marks, and where a project's URLs have them.

A view is found by its mark and not by a name: a project may include our URLs below a namespace of
its own, or write a `path()` for a subclass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Final, Literal, NamedTuple

from django.http import HttpRequest
from django.urls import (
    NoReverseMatch,
    URLPattern,
    URLResolver,
    get_resolver,
    get_script_prefix,
    get_urlconf,
)
from django.urls.resolvers import RegexPattern
from django.views import View

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.settings import Conf, Snapshot

Kind = Literal["sso", "guest_token"]
INCLUDE: Final = 'path("sso/", include("django_metabase_sso.urls"))'


class Endpoint(View):
    """A view of this package, with the marks that middleware and the functions below look for.

    `LoginRequiredMiddleware` leaves it alone, CSRF protection lets a POST through to it, and
    `metabase_sso` says which of the views it is. A decorator that uses `functools.wraps` keeps
    the marks. Django makes a view for each request, and `conf` are the settings for that one.
    """

    kind: ClassVar[Kind]
    conf: Conf = conf

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.conf = Snapshot()

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view: Any = super().as_view(**initkwargs)
        view.login_required = False
        view.csrf_exempt = True
        view.metabase_sso = cls.kind
        return view


def kind_of(view: Callable[..., Any]) -> Kind | None:
    """Return which view of this package a URL leads to; None for any other view."""
    kind: Kind | None = getattr(view, "metabase_sso", None)
    return kind


class Route(NamedTuple):
    """One URL pattern that leads to a view of this package, and the includes around it."""

    pattern: URLPattern
    includes: tuple[URLResolver, ...]

    @property
    def view_name(self) -> str:
        """The dotted path of the view class."""
        view: Any = self.pattern.callback
        return f"{view.view_class.__module__}.{view.view_class.__qualname__}"

    @property
    def route(self) -> str:
        """The patterns as the project wrote them, like `ResolverMatch.route`."""
        patterns = [*(include.pattern for include in self.includes), self.pattern.pattern]
        return "".join(map(str, patterns))

    @property
    def is_subclass(self) -> bool:
        """Whether the project has written this view, on top of the one of this package."""
        return not self.view_name.startswith("django_metabase_sso.")

    def view(self) -> Any:
        """Return the view, as it is made for each request."""
        callback: Any = self.pattern.callback
        return callback.view_class(**callback.view_initkwargs)

    def path(self) -> str:
        """Return its path on this site; NoReverseMatch when the path has parameters.

        Django reverses no view of an include with a namespace, so the patterns are taken out of
        their namespaces.
        """
        entry: URLPattern | URLResolver = self.pattern
        for include in reversed(self.includes):
            entry = URLResolver(include.pattern, [entry])
        alone: Any = URLResolver(RegexPattern(r"^/"), [entry])
        return f"{get_script_prefix()}{alone.reverse(self.pattern.callback)}"


def routes(kind: Kind) -> Sequence[Route]:
    """Return the URL patterns that lead to a view of this kind, a project's own subclasses first.

    They are those of the URLconf in use: the one of the request, or ROOT_URLCONF.
    """
    return [route for route in _routes(get_resolver(get_urlconf())) if _kind(route) == kind]


def path_of(kind: Kind) -> str | None:
    """Return the path of the view on this site; None when the project's URLs do not have it."""
    for route in routes(kind):
        try:
            return route.path()
        except NoReverseMatch:
            continue
    return None


@lru_cache(maxsize=16)
def _routes(resolver: URLResolver) -> tuple[Route, ...]:
    """Return all routes, remembered for the resolver, which Django makes once for a URLconf."""
    return tuple(sorted(_walk(resolver, ()), key=lambda route: not route.is_subclass))


def _walk(resolver: URLResolver, includes: tuple[URLResolver, ...]) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _walk(entry, (*includes, entry))
        elif kind_of(entry.callback) is not None:
            yield Route(entry, includes)


def _kind(route: Route) -> Kind | None:
    return kind_of(route.pattern.callback)
