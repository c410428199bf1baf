"""What is public stands in tables: names and arguments, signals, tags, options, codes."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable
from importlib import import_module
from pkgutil import walk_packages
from typing import Any, get_args

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.module_loading import import_string

import django_metabase_sso
from django_metabase_sso import signals, test
from django_metabase_sso.client import clients, requests, sessions
from django_metabase_sso.csp import FALLBACKS
from django_metabase_sso.doctor.report import SUBJECTS
from django_metabase_sso.exceptions import RefusalCode
from django_metabase_sso.templatetags import metabase
from django_metabase_sso.values import frames
from django_metabase_sso.values.components import COMPONENTS, GLOBAL, WRITTEN
from tests.helpers.commands import options
from tests.helpers.configure import Configure
from tests.helpers.guests import URL
from tests.helpers.log_records import guest_codes, logged_codes
from tests.helpers.markdown import Row, blocks, names, page, paragraph, table
from tests.helpers.modules import find_module
from tests.helpers.signals import Recorder
from tests.helpers.sso import FETCH

PACKAGE = "django_metabase_sso."
# A name, and its arguments if it is called.
ENTRY = re.compile(r"`([\w.]+)(?:\((.*)\))?`")
MARKS: dict[Any, str] = {
    inspect.Parameter.VAR_POSITIONAL: "*{}",
    inspect.Parameter.VAR_KEYWORD: "**{}",
}


def documented_api() -> dict[str, str | None]:
    """Return the names in the tables of docs/api.md, with their arguments if they have any."""
    entries = [ENTRY.match(row[0]) for rows in page("docs/api.md").tables for row in rows]
    return {entry[1]: entry[2] for entry in entries if entry}


def arguments_of(function: Any) -> str:
    """Return a signature as docs/api.md writes it: `request=` for what may be left out."""
    return ", ".join(
        MARKS.get(parameter.kind, "{}" if parameter.default is parameter.empty else "{}=").format(
            parameter.name
        )
        for parameter in inspect.signature(function).parameters.values()
    )


@pytest.mark.parametrize("name", documented_api())
def test_the_api(name: str) -> None:
    if name == "urls":
        assert find_module(f"{PACKAGE}urls")
        return
    found = import_string(PACKAGE + name)
    documented = documented_api()[name]
    assert documented is None or documented == arguments_of(found)
    assert documented is not None or not inspect.isfunction(found)


def test_the_api_is_what_the_modules_export() -> None:
    exported = {
        f"{module.name}.{name}".removeprefix(PACKAGE)
        for module in walk_packages(django_metabase_sso.__path__, PACKAGE)
        for name in getattr(import_module(module.name), "__all__", ())
    }
    assert exported == {name for name in documented_api() if "." in name}


def test_imports_in_blocks_are_public() -> None:
    public = {PACKAGE + name for name in documented_api()}
    modules = {name.rpartition(".")[0] for name in public}
    for code in blocks("python"):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and "django_metabase_sso" in str(node.module):
                assert {f"{node.module}.{alias.name}" for alias in node.names} <= public | modules


@pytest.mark.parametrize("command", options())
def test_options_of_a_command(command: str) -> None:
    """The name of the command is the heading above the table of its options."""
    tables = page("docs/commands.md").tables_by_heading[f"`{command}`"]
    assert options()[command] in [[names(row[0])[0] for row in rows] for rows in tables]


# Signals


@pytest.mark.parametrize("signal", ["token_issued", "token_refused"])
def test_arguments_of_a_signal(
    signed_in: Client, ada: User, configure: Configure, signal: str
) -> None:
    [row] = [row for row in table("`token_issued`", "`claims`") if row[0] == f"`{signal}`"]
    if signal == "token_refused":
        configure(ACCESS_POLICY=lambda user, request: False)
    recorder = Recorder()
    getattr(signals, signal).connect(recorder)
    try:
        signed_in.get(FETCH)
    finally:
        getattr(signals, signal).disconnect(recorder)
    [call] = recorder.calls
    assert call.keys() - {"signal", "sender"} == set(names(row[-1]))


# Codes


def codes(cells: Iterable[str]) -> list[str]:
    return [name for cell in cells for name in names(cell) if re.fullmatch(r"[a-z-]+", name)]


def test_codes_of_refusals() -> None:
    elsewhere = {"not-authenticated", "invalid-credentials"}
    documented = codes([paragraph("`no-email`", "`no-tenant`")])
    assert set(documented) == set(get_args(RefusalCode)) - elsewhere
    for code in elsewhere:
        assert code in page("docs/endpoint.md").spans


def test_codes_of_log_records() -> None:
    assert sorted(codes(row[0] for row in table("`shared-email`"))) == sorted(logged_codes())


def test_codes_of_the_doctor() -> None:
    documented = [[code.strip("`"), about] for code, about in table("`site-url`")]
    assert documented == [list(entry) for entry in SUBJECTS.items()]


def test_answers_of_the_guest_endpoint() -> None:
    answers = table("403 `guest-refused`")
    assert set(codes(row[0] for row in answers)) == guest_codes()
    assert URL in page("docs/guest-embeds.md").text


# Template tags

VALUES = {
    "any": "anything that JSON can hold",
    "bool": "`True` or `False`",
    "dict": "dict",
    "id": "number or string",
    "list": "list",
    "number": "number",
    "text": "string",
}


def test_tags() -> None:
    rows = table("`metabase_config`", "`embeds.")
    assert {names(row[0])[0] for row in rows} == set(metabase.register.tags)
    for row in rows:
        assert callable(import_string(PACKAGE + names(row[-1])[0]))


def test_options_of_components() -> None:
    found: dict[tuple[str, str, int, str], list[str]] = {}
    for component, attributes in COMPONENTS.items():
        for name, attribute in attributes.items():
            if name not in WRITTEN:
                value = VALUES[attribute.type]
                row = (name.replace("-", "_"), value, attribute.since, attribute.guests)
                found.setdefault(row, []).append(component.removeprefix("metabase-"))
    expected: list[Row] = [
        [f"`{option}`", ", ".join(components), value, str(since), guests]
        for (option, value, since, guests), components in sorted(found.items())
    ]
    assert table("`with_title`") == expected


def test_options_of_any_element() -> None:
    assert set(names(paragraph("`slot`"))) == {*GLOBAL, "data_", "aria_"}


def test_options_of_frames() -> None:
    """One list of Metabase's, one of the frame's."""
    interface = paragraph("`top_nav`", "`side_nav`")
    frame = paragraph("`allow`", "`loading`", "`width`")
    assert set(re.findall(r"`(\w+)`", interface)) == frames.INTERFACE
    assert set(re.findall(r"`(\w+)`", frame)) == frames.ATTRIBUTES


def test_options_of_static_embeds() -> None:
    text = paragraph("`hide_parameters`", "`background`")
    assert set(re.findall(r"`(\w+)`", text)) - {"title"} == {
        *frames.APPEARANCE,
        "GUEST_TOKEN_LIFETIME",
        "metabase_iframe",
    }


def test_directives() -> None:
    documented = [name for row in table("`frame-src`") for name in names(row[0])]
    assert documented == list(FALLBACKS)


# Helpers for tests, and the client


def test_helpers_for_tests() -> None:
    for row in table("`decode("):
        name = names(row[0])[0].partition("(")[0]
        assert hasattr(test, name)
        assert hasattr(test.Helpers, name)


def test_the_client() -> None:
    server_side = page("docs/server-side.md")
    known = {name.lower() for name in server_side.spans}
    assert {mark.lower() for mark in sessions.MARKS} <= known
    assert known >= requests.OPTIONS
    assert requests.RESERVED - {"proxy-authorization"} <= known
    text = " ".join(server_side.text.split())
    timeout = requests.TIMEOUT
    assert f"{timeout.connect:.0f} s to connect, {timeout.read:.0f} s" in text
    assert f"at most {clients.LONGEST_WAIT} seconds" in text
