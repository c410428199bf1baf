"""The page of settings is that of the code."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client, RequestFactory

from django_metabase_sso.conf import conf
from django_metabase_sso.conf.readers import CLAIM_NAMES, REQUIRED
from django_metabase_sso.conf.settings import DEFAULTS, SETTINGS
from django_metabase_sso.http.guest_body import GuestRequest
from django_metabase_sso.views import params_for
from tests.helpers.configure import Configure
from tests.helpers.findings import messages
from tests.helpers.markdown import block, blocks, names, page, table
from tests.helpers.sso import FETCH
from tests.helpers.tokens import decode, token_of
from tests.settings import SECRET

# Each has a heading, a line with its default, and what it means.
SECTION = re.compile(
    r"^### `(\w+)`\n\n(?:Default: `([^\n]+)`|(Required)\.)\n\n(.+?)(?=^##|\Z)",
    re.MULTILINE | re.DOTALL,
)
SECTIONS = {
    key: (default or required, meaning)
    for key, default, required, meaning in SECTION.findall(page("docs/settings.md").text)
}
CALLABLES = {
    key: tuple(re.findall(r"\w+", arguments)) if "`" in arguments else ()
    for keys, arguments, _ in table("`ACCESS_POLICY`", "`user, request`")
    for key in names(keys)
}
# What a callable has to return for a token; None for all others.
RESULTS: dict[str, object] = {"ACCESS_POLICY": True, "TENANT": "acme", "USER_ATTRIBUTES": {}}


def test_defaults() -> None:
    known = {"timedelta": timedelta, "settings": django_settings}
    documented = {
        key: REQUIRED if default == "Required" else eval(default, known)
        for key, (default, _) in SECTIONS.items()
    }
    assert documented == {**DEFAULTS, "LOGIN_URL": django_settings.LOGIN_URL}


def test_names_of_claims() -> None:
    assert set(names(SECTIONS["CLAIM_NAMES"][1])) == set(CLAIM_NAMES)


def test_callables() -> None:
    arguments = {key: setting.arguments for key, setting in SETTINGS.items()}
    assert {key: taken for key, taken in arguments.items() if taken is not None} == CALLABLES


@pytest.mark.parametrize("key", CALLABLES)
def test_arguments_of_a_callable(key: str, configure: Configure, signed_in: Client) -> None:
    """It is called with as many as the table says."""
    seen = []

    def answer(*arguments: object) -> Any:
        seen.append(len(arguments))
        return SECRET[::-1] if key.endswith(("SECRET", "KEY")) else RESULTS.get(key)

    configure(TENANT=lambda user, request: "acme")
    configure(**{key: answer})
    if key == "GUEST_PARAMS":
        callback = conf.GUEST_PARAMS
        assert callback
        params_for(RequestFactory().get("/"), GuestRequest("dashboard", 10, None), callback)
    elif CALLABLES[key]:
        signed_in.get(FETCH)
    else:
        assert getattr(conf, key)
    assert set(seen) == {len(CALLABLES[key])}


def test_a_secret_that_is_kept_elsewhere(
    tmp_path: Path, configure: Configure, signed_in: Client
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    code = block("python", "def metabase_secret")
    [path] = re.findall(r'Path\("(.+?)"\)', code)
    found: dict[str, Any] = {"METABASE_SSO": {}}
    exec(code.replace(path, str(file)), found)
    configure(**found["METABASE_SSO"])
    assert decode(token_of(signed_in.get(FETCH)))


@pytest.mark.parametrize(
    "code",
    [
        code
        for code in blocks("python")
        # Ninja's names a class of the reader's: tests/contrib/test_ninja.py. Functions of the
        # quickstart's project: tests/docs/test_projects.py.
        if re.search(r"METABASE_SSO\[.(?:ACCESS_POLICY|AUTHENTICATE)", code)
        and "ninja" not in code
        and '"shop.' not in code
    ],
)
def test_blocks_that_say_who_may(configure: Configure, code: str) -> None:
    """The system checks have nothing to say."""
    found: dict[str, Any] = {"METABASE_SSO": {}}
    exec(code, found)
    configure(**found["METABASE_SSO"])
    assert messages() == {}
