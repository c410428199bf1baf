"""The base class of this package's views, and functions that find them in a project's URLs.

Views are found by an attribute, not by a name: a project may include the URLs below its own
namespace, or write a `path()` for a subclass.
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
    """The base class of this package's views.

    The attributes of its view functions exempt it from `LoginRequiredMiddleware` and from CSRF
    protection, and `metabase_sso` says which view it is. A decorator that uses `functools.wraps`
    keeps the attributes. Django creates a view for each request; `conf` is the snapshot of the
    settings for that request.
    """

    kind: ClassVar[Kind]
    conf: Conf = conf

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.conf = Snapshot()
        match = request.resolver_match
        if hasattr(request, "_metabase_sso_cors") and match and kind_of(match.func):
            # SSOCorsMiddleware sets the headers, so django-cors-headers need not examine the
            # request again, which takes a tenth of the time of a 401.
            request._cors_enabled = False  # type: ignore[attr-defined]  # noqa: SLF001

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view: Any = super().as_view(**initkwargs)
        view.login_required = False
        view.csrf_exempt = True
        view.metabase_sso = cls.kind
        return view


def kind_of(view: Callable[..., Any]) -> Kind | None:
    """Return which view of this package this is, or None for other views."""
    kind: Kind | None = getattr(view, "metabase_sso", None)
    return kind


class Route(NamedTuple):
    """One URL pattern of a view of this package, and the includes around it."""

    pattern: URLPattern
    includes: tuple[URLResolver, ...]

    @property
    def view_name(self) -> str:
        """The dotted path of the view class."""
        view: Any = self.pattern.callback
        return f"{view.view_class.__module__}.{view.view_class.__qualname__}"

    @property
    def route(self) -> str:
        """The route as the project wrote it, like `ResolverMatch.route`."""
        patterns = [*(include.pattern for include in self.includes), self.pattern.pattern]
        return "".join(map(str, patterns))

    @property
    def is_subclass(self) -> bool:
        """Whether this view is a subclass that the project wrote."""
        return not self.view_name.startswith("django_metabase_sso.")

    def view(self) -> Any:
        """Return a view, created as for a request."""
        callback: Any = self.pattern.callback
        return callback.view_class(**callback.view_initkwargs)

    def path(self) -> str:
        """Return its path on this site. Raises NoReverseMatch if the path has parameters.

        Django reverses a view below a namespace only by its name, so the patterns are copied to a
        resolver without namespaces.
        """
        entry: URLPattern | URLResolver = self.pattern
        for include in reversed(self.includes):
            entry = URLResolver(include.pattern, [entry])
        alone: Any = URLResolver(RegexPattern(r"^/"), [entry])
        return f"{get_script_prefix()}{alone.reverse(self.pattern.callback)}"


def routes(kind: Kind) -> Sequence[Route]:
    """Return the URL patterns of a kind of view, a project's subclasses first.

    The URLconf is the one in use: that of the request, or ROOT_URLCONF.
    """
    return [route for route in _routes(get_resolver(get_urlconf())) if _kind(route) == kind]


def path_of(kind: Kind) -> str | None:
    """Return the path of the view on this site, or None if the project's URLs do not have it."""
    for route in routes(kind):
        try:
            return route.path()
        except NoReverseMatch:
            continue
    return None


@lru_cache(maxsize=16)
def _routes(resolver: URLResolver) -> tuple[Route, ...]:
    """Return all routes. They are cached, because Django creates one resolver for a URLconf."""
    return tuple(sorted(_walk(resolver, ()), key=lambda route: not route.is_subclass))


def _walk(resolver: URLResolver, includes: tuple[URLResolver, ...]) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _walk(entry, (*includes, entry))
        elif kind_of(entry.callback) is not None:
            yield Route(entry, includes)


def _kind(route: Route) -> Kind | None:
    return kind_of(route.pattern.callback)
