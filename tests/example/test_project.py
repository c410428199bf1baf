from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.example import run
from tests.helpers.paths import ROOT
from tests.settings import SECRET


def test_the_production_settings_are_beyond_reproach(tmp_path: Path) -> None:
    environment = {
        "DJANGO_SETTINGS_MODULE": "example_project.settings_production",
        "DJANGO_SECRET_KEY": "tests-only-" + "".join(map(str, range(50))),
        "DJANGO_STATIC_ROOT": str(tmp_path),
        "METABASE_JWT_SHARED_SECRET": SECRET,
        "METABASE_EMBEDDING_SECRET_KEY": SECRET[::-1],
    }
    assert run("manage.py", "collectstatic", "--no-input", **environment).returncode == 0
    done = run("manage.py", "check", "--deploy", "--fail-level=DEBUG", **environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "System check identified no issues (0 silenced).\n"


def test_the_demo_settings_and_migrations_are_in_order() -> None:
    environment = {"DJANGO_SETTINGS_MODULE": "example_project.settings"}
    assert run("manage.py", "check", "--fail-level=DEBUG", **environment).returncode == 0
    made = run("manage.py", "makemigrations", "--check", "--dry-run", **environment)
    assert made.returncode == 0, made.stdout


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"METABASE_INSTANCE_URL": "https://metabase.example.com"}, "Only METABASE_INSTANCE_URL"),
        ({"DEMO_PORT": "eighty"}, "DEMO_PORT is not a port"),
        ({"DEMO_PORT": "70000"}, "DEMO_PORT is not a port"),
    ],
)
def test_the_demo_says_what_is_wrong(environment: dict[str, str], words: str) -> None:
    done = run("-m", "example_project.demo", **environment)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_package_does_not_know_the_example() -> None:
    for file in (ROOT / "django_metabase_sso").rglob("*.py"):
        assert "example_project" not in file.read_text()
    for file in (ROOT / "example_project/standin").rglob("*.py"):
        assert "django_metabase_sso" not in file.read_text()
