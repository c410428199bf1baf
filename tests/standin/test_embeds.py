"""Guest embeds by their own rules, static embeds, and what components draw."""

from __future__ import annotations

import html
import time
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from example_project.standin.chart import MONTHS, SALES
from example_project.standin.embedding import ITEMS
from example_project.standin.state import Instance
from tests.helpers.standin import (
    MISSING,
    SECRET,
    SignIn,
    configure,
    guest,
    page_text,
)

PATHS = ["/api/embed", "/embed"]


def rows_of(client: Client, token: str, kind: str = "dashboard") -> set[str]:
    """Return the regions of the rows that a token shows."""
    data = client.get(f"/api/embed/{kind}/{token}").json()
    return {row["region"] for row in data["chart"]["rows"]}


def test_scripts(client: Client) -> None:
    for name in ("embed.js", "frame.js"):
        response = client.get(f"/app/{name}")
        assert response["Content-Type"] == "text/javascript; charset=utf-8"
        assert b"metabase" in response.content.lower()


def test_the_script_knows_the_version(client: Client, standin: Instance) -> None:
    configure(standin, version=60)
    assert "const VERSION = 60;" in page_text(client.get("/app/embed.js"))


def test_frame(client: Client) -> None:
    response = client.get("/embed/sdk/v1")
    assert "/app/frame.js" in page_text(response)
    policy = response["Content-Security-Policy"]
    assert "frame-ancestors *" in policy
    assert "script-src 'self'" in policy


def test_an_account_sees_its_rows(browse: SignIn) -> None:
    client = browse(first_name="Ada", region="north", groups=["Sales"])
    data = client.get("/api/standin/item").json()
    assert (data["who"], data["email"]) == ("Ada", "ada@example.com")
    assert data["attributes"] == {"region": "north"}
    assert data["groups"] == ["All Users", "Sales"]
    assert {row["region"] for row in data["chart"]["rows"]} == {"north"}
    assert data["chart"]["total"].startswith("$")


def test_without_a_session(client: Client) -> None:
    assert client.get("/api/standin/item").status_code == 401


@pytest.mark.parametrize(
    ("params", "regions"),
    [
        ({"region": "north"}, {"north"}),
        ({"region": ["north", "west"]}, {"north", "west"}),
        ({"region": "elsewhere"}, set()),
        ({"region": []}, {"north", "south", "east", "west"}),
        ({"region": "north", "month": "May"}, {"north"}),
    ],
)
def test_locked_parameters(client: Client, params: dict[str, Any], regions: set[str]) -> None:
    assert rows_of(client, guest(params=params)) == regions


def test_without_locked_parameters(client: Client) -> None:
    assert len(rows_of(client, guest(number=11, params={}))) == 4
    assert rows_of(client, guest("question", 5), "question") == {"north"}


def test_entity_ids(client: Client) -> None:
    item = ITEMS[0]
    assert len(item.entity_id) == 21
    data = client.get(f"/api/embed/dashboard/{guest(number=item.entity_id)}").json()
    assert data["title"] == item.title
    assert len(data["chart"]["months"]) == len(MONTHS)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("token", "status", "text"),
    [
        (guest(secret=SECRET), 400, "Message seems corrupt or manipulated"),
        (guest(exp=1), 400, "Token is expired (1)"),
        (guest(iat="1"), 400, "class java.lang.String cannot be cast"),
        (guest(params={"region": "north", "x": 1}), 400, "Unknown parameter :x."),
        (
            guest(params={"region": "north", "margin": 1}),
            400,
            "You&#x27;re not allowed to specify a value for :margin.",
        ),
        (
            guest(params={"region": ""}),
            400,
            "You must specify a value for :region in the JWT.",
        ),
        (
            guest(params={"region": " "}),
            400,
            "You must specify a value for :region in the JWT.",
        ),
        (guest(params=None), 400, "Token is missing value for keypath [:params]"),
        (guest(params=MISSING), 400, "Token is missing value for keypath [:params]"),
        (guest(params=[]), 400, "Token is missing value for keypath [:params]"),
        (guest(params={}), 400, "You must specify a value for :region in the JWT."),
        (guest(params={"region": None}), 400, "You must specify a value for :region"),
        (
            guest("question", 5),
            400,
            "Token is missing value for keypath [:resource :dashboard]",
        ),
        (guest(resource=MISSING), 400, "Token is missing value for keypath [:resource"),
        (guest(number=True), 400, "Token is missing value for keypath [:resource"),
        (guest(number="10"), 404, "Not found."),
        (guest(number=99), 404, "Not found."),
        (guest(number=12), 400, "Embedding is not enabled for this object."),
        ("", 400, "Message seems corrupt or manipulated"),
    ],
)
def test_refused(client: Client, path: str, token: str, status: int, text: str) -> None:
    response = client.get(f"{path}/dashboard/{token}")
    assert response.status_code == status
    if path == "/api/embed":
        assert page_text(response).startswith(html.unescape(text))
        assert "Content-Type" not in response or status == 404
    else:
        assert text in page_text(response)
        assert "frame-ancestors *" in response["Content-Security-Policy"]


def test_switched_off(client: Client, standin: Instance) -> None:
    configure(standin, enable_embedding_modular=False)
    response = client.get(f"/api/embed/dashboard/{guest()}")
    assert (response.status_code, response.content) == (400, b"Embedding is not enabled.")


@pytest.mark.parametrize(("version", "status"), [(56, 400), (63, 400), (65, 404)])
def test_an_unknown_item_while_guests_are_off(
    client: Client, standin: Instance, version: int, status: int
) -> None:
    """The newest looks for the item first."""
    configure(standin, version=version)
    key = "enable_embedding_modular" if version == 65 else "enable_embedding_static"
    configure(standin, **{key: False})
    response = client.get(f"/api/embed/dashboard/{guest(number=99)}")
    assert response.status_code == status


@pytest.mark.parametrize(
    ("name", "ahead", "status"),
    [
        ("exp", -50, 200),
        ("exp", -70, 400),
        ("nbf", 50, 200),
        ("nbf", 70, 400),
        ("iat", -1_000_000, 200),
    ],
)
def test_times_of_guests(client: Client, name: str, ahead: int, status: int) -> None:
    """60 seconds of leeway for `exp` and `nbf`, and no largest age."""
    claims: dict[str, Any] = {name: time.time() + ahead}
    sent = guest(**claims)
    assert client.get(f"/api/embed/dashboard/{sent}").status_code == status


def test_a_guest_without_an_end(client: Client) -> None:
    assert client.get(f"/api/embed/dashboard/{guest(exp=MISSING)}").status_code == 200


def test_without_a_secret_key(client: Client, settings: Settings, standin: Instance) -> None:
    settings.STANDIN_SETTINGS = {"enable-embedding-static": True}
    standin.reset()
    response = client.get(f"/api/embed/dashboard/{guest()}")
    assert response.content == b"The embedding secret key has not been set."


def test_a_static_embed(client: Client) -> None:
    response = client.get(f"/embed/dashboard/{guest()}")
    text = page_text(response)
    assert "<h1>Sales by region</h1>" in text
    assert "region = north" in text
    north = sum(row.region == "north" for row in SALES)
    assert f"{north} rows" in text
    assert "frame-ancestors *" in response["Content-Security-Policy"]


def test_a_static_question(client: Client) -> None:
    text = page_text(client.get(f"/embed/question/{guest('question', 5, params={'region': []})}"))
    assert "Orders by region" in text
    assert f"{len(SALES)} rows" in text
