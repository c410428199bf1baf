"""The findings of this package's system checks."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, run_checks
from pytest_django import Settings

import django_metabase_sso
from tests.helpers.configure import Configure
from tests.settings import SECRET

# An id in brackets is in a hint, which says to silence it.
ID = r'(?<!\[)"metabase_sso\.([EW]\d{3})"'
NOT_CHECKS = ("conf/*.py", "tokens.py", "contrib/*.py", "administration/*.py")
PACKAGE = Path(django_metabase_sso.__file__).parent


def messages(*, deploy: bool = False) -> dict[str, CheckMessage]:
    """Return this package's findings by id, without the prefix."""
    found = {}
    for message in run_checks(include_deployment_checks=deploy):
        if str(message.id).startswith("metabase_sso."):
            assert message.hint
            assert SECRET not in f"{message.msg} {message.hint}"
            found[str(message.id).removeprefix("metabase_sso.")] = message
    return found


def ids(*, deploy: bool = False) -> set[str]:
    return set(messages(deploy=deploy))


def written_ids(*paths: str) -> set[str]:
    """Return the ids in files of the package, which are given by name or pattern."""
    files = [file for path in paths for file in PACKAGE.glob(path)]
    assert len(files) >= len(paths)
    return set(re.findall(ID, "".join(f.read_text() for f in files)))


def marked_ids(mark: str) -> set[str]:
    """Return the ids that are reported only by checks with this in their decorator."""
    marked: set[str] = set()
    others = written_ids(*NOT_CHECKS)
    for file in PACKAGE.glob("checks/*.py"):
        text = file.read_text()
        for node in ast.parse(text).body:
            code = ast.get_source_segment(text, node) or ""
            decorators = map(ast.unparse, getattr(node, "decorator_list", ()))
            found = marked if any(mark in entry for entry in decorators) else others
            found.update(re.findall(ID, code))
    return marked - others


# Short names of middleware in the cases
SSO = "django_metabase_sso.middleware.SSOCorsMiddleware"
CORS = "corsheaders.middleware.CorsMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
APP = "https://app.example.com"
METABASE = "https://metabase.example.com"

# Keys of METABASE_SSO, other settings, the expected id, words in the expected message
Firing = tuple[dict[str, Any], dict[str, Any], str, str]
# Settings that are correct, and the id that they must not have
Silent = tuple[dict[str, Any], dict[str, Any], str]


def in_front(*middleware: str) -> list[str]:
    """Return a MIDDLEWARE with sessions and authentication, and these classes before them."""
    return [*middleware, SESSION, COMMON, AUTH]


def apply(
    configure: Configure, settings: Settings, keys: dict[str, Any], others: dict[str, Any]
) -> None:
    configure(**keys)
    for name, value in others.items():
        setattr(settings, name, value)


def assert_fires(configure: Configure, settings: Settings, case: Firing) -> None:
    """Assert that the case has this finding, which is an error only if its id begins with E."""
    keys, others, check_id, words = case
    apply(configure, settings, keys, others)
    found = messages()
    assert check_id in found
    assert words in found[check_id].msg
    assert found[check_id].is_serious() is check_id.startswith("E")


def assert_fires_on_deploy(configure: Configure, settings: Settings, case: Firing) -> None:
    """Assert that only `check --deploy` has this finding."""
    keys, others, check_id, words = case
    apply(configure, settings, keys, others)
    assert check_id not in ids()
    assert words in messages(deploy=True)[check_id].msg


def assert_silent(configure: Configure, settings: Settings, case: Silent) -> None:
    keys, others, check_id = case
    apply(configure, settings, keys, others)
    assert check_id not in ids(deploy=True)
