"""What a person sees who is signed in, and who is not."""

from __future__ import annotations

import pytest
from django.test import Client

from example_project.standin.chart import REGIONS, SALES, chart_for
from example_project.standin.state import ADMIN_EMAIL, Instance
from tests.helpers.standin import PROVIDER, SignIn, configure, page_text, token

BANNER = "<strong>Stand-in for Metabase:</strong> to try things out and for tests"


@pytest.mark.parametrize(
    "path", ["/", "/dashboard/1?tab=2&city=Oslo", "/question/5-a%20b", "/a/b?x=a|b", "/browse"]
)
def test_without_a_session_a_page_asks_who_it_is(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert response["Location"] == f"{PROVIDER}?return_to={path}"


@pytest.mark.parametrize("path", ["/favicon.ico", "/app/main.js", "/auth/other", "/standin/x"])
def test_files_do_not_ask(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_who_is_signed_in(browse: SignIn) -> None:
    claims = {"first_name": "Ada", "last_name": "<b>L</b>", "groups": ["Sales", "Nobody"]}
    client = browse(**claims, plan="gold & more", scores=[1])
    text = page_text(client.get("/dashboard/7-sales?tab=2&x=<i>"))
    assert BANNER in text
    for expected in [
        "<h1>Dashboard 7: Sales by region</h1>",
        "Ada &lt;b&gt;L&lt;/b&gt;",
        "ada@example.com",
        "Internal user, SSO (JWT)",
        "<li>Sales</li>",
        "<code>gold &amp; more</code>",
        "tab=2&amp;x=&lt;i&gt;",
        "Metabase created this account",
        "Joined the group Sales",
        "Dropped <code>scores</code>: a list is not an attribute",
        "Dropped <code>groups: Nobody</code>",
    ]:
        assert expected in text
    assert "<b>L" not in text
    assert "<i>" not in text


def test_what_a_token_changed(browse: SignIn) -> None:
    browse(groups=["Sales"])
    text = page_text(browse(groups=[]).get("/question/3"))
    assert "Left the group Sales" in text
    assert "No claim was dropped." in text
    assert "Question 3: Sales by region" in text
    assert "No group changed." in page_text(browse().get("/"))


def test_an_administrator(browse: SignIn) -> None:
    text = page_text(browse(email=ADMIN_EMAIL).get("/"))
    assert "Administrator, SSO (JWT)" in text
    assert "administrator&#x27;s password account. It was converted" in text


def test_a_password_account(client: Client, standin: Instance) -> None:
    session = standin.start_session(*standin.accounts)
    text = page_text(client.get("/", headers={"X-Metabase-Session": session}))
    assert "Administrator, password" in text
    assert "What the last token did" not in text


def test_a_tenant(browse: SignIn, standin: Instance) -> None:
    configure(standin, use_tenants=True)
    claims = {"@tenant": "acme", "@tenant.attributes": {"region": "north"}}
    text = page_text(browse(**claims).get("/"))
    assert "Tenant user, SSO (JWT)" in text
    assert "(of the tenant)" in text
    assert "region = north" in text


@pytest.mark.parametrize(
    ("claims", "rows"),
    [({}, 48), ({"region": "north"}, 12), ({"region": "North"}, 0), ({"region": ""}, 0)],
)
def test_row_level_security(browse: SignIn, claims: dict[str, str], rows: int) -> None:
    text = page_text(browse(**claims).get("/"))
    assert f'<strong id="rows">{rows}</strong>' in text
    assert text.count("<rect") == 3 + rows


def test_a_claim_that_changes_counts_in_all_sessions(browse: SignIn) -> None:
    """How a session ends: from the person's next token on, in those that began before as well."""
    first = browse(region="north")
    browse_elsewhere = Client().get("/auth/sso", {"jwt": token(region="south")})
    assert browse_elsewhere.status_code == 302
    assert "region = south" in page_text(first.get("/"))


def test_frames(browse: SignIn) -> None:
    client = browse()
    for path in ("/", "/auth/sso?jwt=x", "/auth/logout"):
        response = client.get(path, headers={"Sec-Fetch-Mode": "navigate"})
        policy = response["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors https://app.example.com")
        assert "X-Frame-Options" not in response
        assert response["Referrer-Policy"] == "no-referrer"
        assert BANNER in page_text(response)


def test_nobody_may_frame_what_is_not_switched_on(browse: SignIn, standin: Instance) -> None:
    """What has to be set: the list of frames is another one than that of CORS."""
    client = browse()
    for changes in (
        {"embedding_app_origins_interactive": None},
        {
            "enable_embedding_interactive": False,
            "embedding_app_origins_interactive": "https://app.example.com",
        },
    ):
        configure(standin, **changes)
        policy = client.get("/")["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors 'none'")


def test_a_token_in_the_path_is_not_shown(browse: SignIn) -> None:
    sent = token()
    assert sent not in page_text(browse().get("/dashboard/1", {"jwt": sent}))


@pytest.mark.parametrize("region", [None, *REGIONS, "Nowhere"])
def test_the_chart(region: str | None) -> None:
    chart = chart_for(region)
    assert len(chart.bars) == len(chart.rows)
    assert chart.revenue == sum(total for _, _, total, _ in chart.totals)
    assert all(0 <= bar.y < bar.y + bar.height <= 240 for bar in chart.bars)
    assert all(46 <= bar.x <= 686 for bar in chart.bars)
    assert chart.lines[0] == (240, 0)
    assert all(row.revenue > 0 for row in SALES)
