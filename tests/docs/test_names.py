"""What the pages mention exists: modules and what is in them, settings, commands, check ids."""

from __future__ import annotations

import re

import pytest
from django.conf import global_settings
from django.utils.module_loading import import_string

from django_metabase_sso.conf.settings import DEFAULTS
from tests.helpers.commands import options
from tests.helpers.findings import written_ids
from tests.helpers.markdown import PAGES, Page
from tests.helpers.modules import find_module
from tests.helpers.paths import ROOT

# Written in capitals, and neither a setting of ours nor of Django's.
OTHER_NAMES = {
    "ALL_PROXY",
    "ALL_ROWS",
    "ATOMIC_REQUESTS",
    "AUTH_HEADER_NAME",
    "BASE_DIR",
    "CORS_ALLOWED_ORIGIN_REGEXES",
    "CORS_ALLOW_ALL_ORIGINS",
    "CORS_ALLOW_CREDENTIALS",
    "CORS_ALLOW_HEADERS",
    "CORS_ALLOW_METHODS",
    "FUZZ_MINUTES",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "HYPOTHESIS_PROFILE",
    "LOGINAS_FROM_USER_SESSION_FLAG",
    "MAX_SESSION_AGE",
    "MFA_TRUST_ENABLED",
    "OIDC_EXEMPT_URLS",
    "REMOTE_ADDR",
    "REST_FRAMEWORK",
}
of_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@of_each_page
def test_dotted_names(page: Page) -> None:
    for dotted in set(re.findall(r"\bdjango_metabase_sso(?:\.\w+)+", page.text)):
        assert find_module(dotted) or import_string(dotted)


@of_each_page
def test_files(page: Page) -> None:
    for name in set(re.findall(r"\b(?:django_metabase_sso|tests|docs)/[\w/]+\.\w+", page.text)):
        folders = (ROOT, *(ROOT / "django_metabase_sso" / f for f in ("static", "templates")))
        assert any((folder / name).is_file() for folder in folders), name


@of_each_page
def test_settings(page: Page) -> None:
    keys = set(re.findall(r"METABASE_SSO\[[\"'](\w+)[\"']\]", page.text))
    assert keys <= set(DEFAULTS)
    for span in page.spans:
        for word in re.findall(r"^(?:[A-Z]+_)+[A-Z]+\b", span):
            known = {*DEFAULTS, *OTHER_NAMES}
            # What begins so is in the environment of the demo, a test, a benchmark or Metabase.
            demo = word.startswith(("BENCH_", "DEMO_", "METABASE_", "MB_"))
            assert demo or word in known or hasattr(global_settings, word), word


@of_each_page
def test_check_ids(page: Page) -> None:
    assert set(re.findall(r"\b[EW]0\d\d\b", page.text)) <= written_ids("**/*.py")


@of_each_page
def test_commands(page: Page) -> None:
    for command, given in re.findall(r"\.py\s+metabase_sso\s+([a-z-]+)([^`\n]*)", page.text):
        assert set(re.findall(r"--[a-z-]+", given)) <= set(options()[command])


@of_each_page
def test_make_targets(page: Page) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make\s+([a-z-]+)[`\s]", page.text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
