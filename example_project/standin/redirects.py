"""Redirects to Metabase's own pages and to the Identity Provider."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from django.http import HttpRequest, HttpResponse

from example_project.standin.refusals import Refused
from example_project.standin.state import instance

# java.net.URI refuses control characters, spaces, these ten characters, and a single percent sign.
ILLEGAL = re.compile(r"""[\x00-\x1f\x7f-\x9f\s|{}"<>\\^`]|%(?![0-9A-Fa-f]{2})""")
PRINTABLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def check_return_to(return_to: str, site_url: str) -> str:
    """Return `return_to`, or refuse it as Metabase does (metabase/metabase#33028).

    Like Java's URI class, this accepts a URL without scheme and host, or with the host of the site
    URL. Browsers parse URLs differently: `///evil.example` is accepted here, as in Metabase.
    """
    try:
        parts = urlsplit(return_to)
        is_relative = not parts.scheme and parts.hostname is None
        is_ours = parts.hostname == urlsplit(site_url).hostname
    except ValueError:  # brackets without an IPv6 address
        raise Refused("Invalid redirect URL", 400) from None
    is_uri = not (ILLEGAL.search(return_to) or re.search(r"[\[\]]", parts.path))
    if not is_uri or "#" in parts.fragment or not (is_relative or is_ours):
        raise Refused("Invalid redirect URL", 400)
    return return_to


def landing(request: HttpRequest) -> str:
    """Return the path and query of a request as the browser sent them."""
    path = quote(request.path, safe="/:@!$&'()*+,;=~")
    query = request.META.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def identity_provider_uri() -> str:
    """Return the JWT Identity Provider URI that is set in Metabase."""
    return instance.configuration["jwt-identity-provider-uri"] or ""


def to_identity_provider(return_to: str | None) -> HttpResponse:
    """Redirect to the Identity Provider, with `return_to` appended without encoding.

    A query in it therefore becomes part of the URL's query (metabase/metabase#13078, #47425).
    """
    location = identity_provider_uri()
    if return_to is not None:
        location += ("&" if "?" in location else "?") + "return_to=" + return_to
    return found(location)


def found(location: str) -> HttpResponse:
    """Return a 302. Only characters that a header cannot have are escaped in the location."""
    return HttpResponse(
        status=302,
        headers={
            "Location": quote(location, safe=PRINTABLE_ASCII),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )
