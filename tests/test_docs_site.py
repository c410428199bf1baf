"""The pages of docs/ as a whole, held against the code."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest
from django.conf import global_settings
from django.utils.module_loading import import_string

import django_metabase_sso
from django_metabase_sso.conf.settings import DEFAULTS, SETTINGS
from tests.helpers.commands import options
from tests.helpers.markdown import blocks, rows
from tests.helpers.modules import find_module
from tests.helpers.paths import ROOT
from tests.test_docs import PAGES

DOCS = {page.stem: page.read_text() for page in PAGES if page.parent.name == "docs"}
API = DOCS["api"]
# Written in capitals, and neither a setting of ours nor of Django's.
OTHER_NAMES = {
    "ATOMIC_REQUESTS",
    "AUTH_HEADER_NAME",
    "ALL_ROWS",
    "BASE_DIR",
    "FUZZ_MINUTES",
    "LOGINAS_FROM_USER_SESSION_FLAG",
    "HYPOTHESIS_PROFILE",
    "CORS_ALLOWED_ORIGIN_REGEXES",
    "CORS_ALLOW_ALL_ORIGINS",
    "CORS_ALLOW_CREDENTIALS",
    "CORS_ALLOW_HEADERS",
    "CORS_ALLOW_METHODS",
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "MAX_SESSION_AGE",
    "MB_HIDE_STACKTRACES",
    "MB_SESSION_COOKIES",
    "METABASE_DEVELOPMENT_API_KEY",
    "METABASE_SSO",
    "MFA_TRUST_ENABLED",
    "REMOTE_ADDR",
    "REST_FRAMEWORK",
}
pages = pytest.mark.parametrize("name", sorted(DOCS))


def code_spans(text: str) -> list[str]:
    """Return what stands in single backticks, outside of blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


@pages
def test_names_exist(name: str) -> None:
    for dotted in sorted(set(re.findall(r"\bdjango_metabase_sso(?:\.\w+)+", DOCS[name]))):
        assert find_module(dotted) or import_string(dotted)


@pages
def test_settings_exist(name: str) -> None:
    keys = set(re.findall(r"METABASE_SSO\[[\"'](\w+)[\"']\]", DOCS[name]))
    assert keys <= set(DEFAULTS)
    for span in code_spans(DOCS[name]):
        for word in re.findall(r"^(?:[A-Z]+_)+[A-Z]+\b", span):
            assert word in {*DEFAULTS, *OTHER_NAMES} or hasattr(global_settings, word), word


@pages
def test_python_compiles(name: str) -> None:
    for code in blocks("python", DOCS[name]):
        compile(code, f"docs/{name}.md", "exec")


@pages
def test_check_ids_exist(name: str) -> None:
    known = {row[0].strip("`") for row in rows(DOCS["checks"], "| id | finding |")}
    assert set(re.findall(r"\bmetabase_sso\.[EW]\d+", DOCS[name])) <= known
    assert {f"metabase_sso.{i}" for i in re.findall(r"\b[EW]0\d\d\b", DOCS[name])} <= known


@pages
def test_commands_exist(name: str) -> None:
    for command, given in re.findall(r"\.py metabase_sso ([a-z-]+)([^`\n]*)", DOCS[name]):
        assert set(re.findall(r"--[a-z]+", given)) <= set(options()[command])


@pages
def test_make_targets_exist(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z-]+)[`\s]", DOCS[name]):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pages
def test_what_is_included_is_there(name: str) -> None:
    """From one heading to the next but one at most: a new section must be somebody's decision."""
    for source, given in re.findall(r"```\{include\} (\S+)\n(.*?)```", DOCS[name], re.DOTALL):
        text = (ROOT / "docs" / source).read_text()
        marks = re.findall(r':(?:start-after|end-before): "(.*)"', given)
        assert len(marks) in (0, 2)
        places = [text.index(f"{mark}\n") for mark in marks]
        assert places == sorted(places)
        assert [text.count(mark) for mark in marks[1:]] == [1] * len(marks[1:])


def test_every_page_is_in_the_index() -> None:
    listed = re.findall(r"^([a-z-]+)$", DOCS["index"], re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(DOCS) - set(listed) == {"index"}
    assert set(listed) - set(DOCS) <= {"fuzzing", "faults"}


def test_pictures_are_used_and_small() -> None:
    pictures = sorted((ROOT / "docs/images").iterdir())
    assert pictures
    text = "".join(DOCS.values()) + (ROOT / "benchmarks/README.md").read_text()
    for picture in pictures:
        assert f"images/{picture.name})" in text
        assert picture.stat().st_size < 120_000


# The public API


def documented_api() -> dict[str, str | None]:
    """Return the names in the tables of docs/api.md, with their arguments if they have any."""
    found = re.findall(r"^\| `([\w.]+)(?:\((.*?)\))?` \|", API, re.MULTILINE)
    return {name: (arguments if f"`{name}(" in API else None) for name, arguments in found}


def arguments_of(function: Any) -> str:
    """Return a signature as docs/api.md writes it: `request=` for what may be left out."""
    marks: dict[Any, str] = {
        inspect.Parameter.VAR_POSITIONAL: "*{}",
        inspect.Parameter.VAR_KEYWORD: "**{}",
    }
    return ", ".join(
        marks.get(parameter.kind, "{}" if parameter.default is parameter.empty else "{}=").format(
            parameter.name
        )
        for parameter in inspect.signature(function).parameters.values()
    )


@pytest.mark.parametrize("name", documented_api())
def test_the_api(name: str) -> None:
    if name == "urls":
        assert find_module("django_metabase_sso.urls")
        return
    found = import_string(f"django_metabase_sso.{name}")
    documented = documented_api()[name]
    assert documented is None or documented == arguments_of(found)
    assert documented is not None or not inspect.isfunction(found)


def test_the_api_is_what_the_modules_export() -> None:
    exported = {
        f"{module.name}.{name}".removeprefix("django_metabase_sso.")
        for module in walk_packages(django_metabase_sso.__path__, "django_metabase_sso.")
        for name in getattr(import_module(module.name), "__all__", ())
    }
    assert exported == {name for name in documented_api() if "." in name}


def test_what_the_pages_name_is_in_the_api() -> None:
    """Whatever a page imports in a block of code is public."""
    public = {f"django_metabase_sso.{name}" for name in documented_api()}
    modules = {name.rpartition(".")[0] for name in public}
    for page, text in DOCS.items():
        for code in blocks("python", text):
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.ImportFrom) and "django_metabase_sso" in str(node.module):
                    names = {f"{node.module}.{alias.name}" for alias in node.names}
                    assert names <= public | modules, page


def test_callables_of_the_settings() -> None:
    table = rows(DOCS["settings"], "| key | is called with | returns |")
    documented = {
        name: tuple(re.findall(r"\w+", row[1].replace("nothing", "")))
        for row in table
        for name in re.findall(r"`(\w+)`", row[0])
    }
    arguments = {key: setting.arguments for key, setting in SETTINGS.items()}
    assert documented == {key: args for key, args in arguments.items() if args is not None}
