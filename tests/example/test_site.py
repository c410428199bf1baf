"""The example site under each of its settings, in a process of its own."""

from __future__ import annotations

import pytest

from tests.helpers.example import demo, run
from tests.helpers.paths import ROOT
from tests.settings import SECRET

PAGES = ["/", "/login/", "/fetch/", "/components/", "/frame/", "/guests/", "/strict/", "/link/"]
PAGES += ["/signed-out/"]
STATUSES = """
import django, sys
django.setup()
from django.test import Client
client = Client(headers={"Host": sys.argv[1]})
for page in sys.argv[2:]:
    response = client.get(page, secure=True)
    print(page, response.status_code, "<code>demo</code>" in response.text)
"""


@pytest.fixture
def environment(new_database: str) -> dict[str, str]:
    return {
        "DJANGO_SECRET_KEY": "tests-only-" + "".join(map(str, range(50))),
        "DEMO_DATABASE": new_database,
    }


def production(**environment: str) -> dict[str, str]:
    return {
        **environment,
        "DJANGO_SETTINGS_MODULE": "example_project.settings_production",
        "DJANGO_STATIC_ROOT": "static",
        "METABASE_JWT_SHARED_SECRET": SECRET,
        "METABASE_EMBEDDING_SECRET_KEY": SECRET[::-1],
    }


def test_pages(environment: dict[str, str]) -> None:
    done = run("-c", STATUSES, "localhost", *PAGES, "/refusals/", **demo(**environment))
    shown = ["/", "/login/"]
    assert done.stdout.splitlines() == [
        f"{page} 200 {page in shown}" for page in [*PAGES, "/refusals/"]
    ], done.stderr


def test_components_with_an_api_key(environment: dict[str, str]) -> None:
    code = """
import django, html
django.setup()
from django.test import Client
text = html.unescape(Client(headers={"Host": "localhost"}).get("/components/").text)
print('"apiKey": "mb_demo-only-key"' in text, "With an API key:" in text, "not signed in" in text)
"""
    key = {"METABASE_DEVELOPMENT_API_KEY": "mb_demo-only-key"}
    assert run("-c", code, **demo(**environment, **key)).stdout == "True True False\n"
    assert run("-c", code, **demo(**environment)).stdout == "False False True\n"


def test_every_page_names_documentation_that_exists() -> None:
    code = """
import django
django.setup()
from example_project.pages.views import DOCS
from example_project.pages.refusals import CASES
print(*sorted(set(DOCS.values())), len(DOCS), len(CASES))
"""
    *names, pages, cases = run("-c", code, **demo()).stdout.split()
    assert (int(pages), int(cases)) == (9, 15)
    assert [name for name in names if not (ROOT / "docs" / name).is_file()] == []


NEXT = """
import django
django.setup()
from django.test import Client
for name in ("ada", "nora", "sam", "crowd"):
    client = Client(headers={"Host": "localhost"})
    client.post(f"/sign-in-as/{name}/")
    start, components = (client.get(page).text for page in ("/", "/components/"))
    print(
        name,
        "See the ways to embed it" in start,
        start.count('class="you"'),
        "This is you" in start,
        "/refusals/no-email/" in start,
        "deactivate a user" in start,
        "<metabase-dashboard" in components,
        "/refusals/no-email/" in components,
        "http://localhost:3000/standin/settings" in start,
    )
help = Client(headers={"Host": "localhost"}).get("/refusals/no-email/").text
print("Give the user an e-mail address" in help)
"""


def test_the_pages_say_where_to_go_next(environment: dict[str, str]) -> None:
    environment["DEMO_STANDIN_SETTINGS"] = "http://localhost:3000/standin/settings"
    assert run("manage.py", "create_demo_users", **demo(**environment)).returncode == 0
    done = run("-c", NEXT, **demo(**environment))
    assert done.stdout.splitlines() == [
        "ada True 1 True False False True False True",
        "nora False 1 True True False False True True",
        "sam True 1 True False True True False True",
        "crowd True 1 True False False True False True",
        "True",
    ], done.stderr


def test_pages_in_production(environment: dict[str, str]) -> None:
    pages = [*PAGES, "/refusals/", "/sign-in-as/sam/"]
    done = run("-c", STATUSES, "www.example.com", *pages, **production(**environment))
    absent = pages[len(PAGES) :]
    assert done.stdout.splitlines() == [
        f"{page} {404 if page in absent else 200} False" for page in pages
    ], done.stderr


def test_create_demo_users(environment: dict[str, str]) -> None:
    refused = run("manage.py", "create_demo_users", **production(**environment))
    assert refused.returncode == 1
    assert "only for the demo" in refused.stderr
    first = run("manage.py", "create_demo_users", **demo(**environment))
    again = run("manage.py", "create_demo_users", **demo(**environment))
    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    assert first.stdout == again.stdout


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"DEMO_PORT": "18123", "DEMO_METABASE_PORT": "18123"}, "both 18123"),
        (
            {
                "METABASE_INSTANCE_URL": "https://metabase.example.com",
                "METABASE_JWT_SHARED_SECRET": "short",
            },
            "metabase_sso.E006",
        ),
    ],
)
def test_what_is_wrong_with_the_demo(
    environment: dict[str, str], wrong: dict[str, str], words: str
) -> None:
    done = run("-m", "example_project.demo", **{"DEMO_PORT": "18124"} | environment | wrong)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_origins_by_commas(environment: dict[str, str]) -> None:
    origins = "http://localhost:5173,http://localhost:5174"
    done = run("manage.py", "check", **demo(**environment, DEMO_ALLOWED_ORIGINS=origins))
    assert done.returncode == 0, done.stderr
