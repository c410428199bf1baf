"""The sign-in flows: where Metabase sends people."""

from __future__ import annotations

import pytest

from example_project.standin.redirects import check_return_to, to_identity_provider
from example_project.standin.refusals import Refused
from example_project.standin.state import Instance
from tests.helpers.standin import PROVIDER, SITE


@pytest.mark.parametrize(
    "return_to",
    [
        "/",
        "",
        "dashboard/1",
        "/dashboard/1?tab=2&city=Oslo#part",
        "/dashboard/1?filter[]=a",
        "/dashboard/%20a%C3%A9",
        "/dashboard/é",
        "//localhost/dashboard/1",
        "http://localhost:3000/dashboard/1",
        "https://LOCALHOST/dashboard/1",
        "///evil.example/",
    ],
)
def test_allowed(return_to: str) -> None:
    assert check_return_to(return_to, SITE) == return_to


@pytest.mark.parametrize(
    "return_to",
    [
        *(f"/dashboard/1?a={letter}" for letter in ' |{}"<>\\^`\n\t\x00\x7f\u00a0\u2028'),
        *(f"/dashboard/1?a=%{end}" for end in ("", "4", "zz")),
        "/dashboard/[1]",
        "/dashboard/1#a#b",
        "//[evil/",
        "//evil.example/",
        "https://evil.example/dashboard/1",
        "https://localhost.evil.example/",
        "https://localhost@evil.example/",
        "javascript:alert(1)",
    ],
)
def test_refused(return_to: str) -> None:
    with pytest.raises(Refused) as caught:
        check_return_to(return_to, SITE)
    assert (caught.value.text, caught.value.status) == ("Invalid redirect URL", 400)


def test_return_to_is_appended_as_it_is(standin: Instance) -> None:
    path = '/dashboard/1?tab=2&city=Oslo|"x"#a'
    assert to_identity_provider(path)["Location"] == f"{PROVIDER}?return_to={path}"
    standin.update({"jwt-identity-provider-uri": f"{PROVIDER}?x=1"})
    assert to_identity_provider(path)["Location"] == f"{PROVIDER}?x=1&return_to={path}"
    assert to_identity_provider(None)["Location"] == f"{PROVIDER}?x=1"


def test_no_header_is_injected() -> None:
    location = to_identity_provider("/é\r\nX: y")["Location"]
    assert location == f"{PROVIDER}?return_to=/%C3%A9%0D%0AX:%20y"
